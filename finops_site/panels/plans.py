"""Budgets on the overview and on a team's page: how long plans last, and how many alerts are open."""

from dataclasses import dataclass

from django.conf import settings

from budgets.selectors import BudgetRow
from budgets.terms import ScopeKind
from finops_site.panels.parts import Panel, panel

SHOWN = 5


@dataclass(frozen=True)
class PlanOutlook:
    """Budgets in use, largest projected overrun first, and how many alerts are open."""

    rows: tuple[BudgetRow, ...]
    active_count: int
    over_count: int
    alert_count: int
    target: int


@panel
def outlook(rows: Panel[tuple[BudgetRow, ...]], *, team_key: str = "") -> PlanOutlook:
    """All budgets of the reader in use, or those of one team."""
    found = [row for row in rows.get() if row.is_active]
    if team_key:
        found = [row for row in found if row.scope_kind is ScopeKind.TEAM and row.scope_key == team_key]
    return PlanOutlook(
        rows=tuple(found[:SHOWN]),
        active_count=len(found),
        over_count=sum(row.needs_decision for row in found),
        alert_count=sum(row.open_alerts for row in found),
        target=settings.ACTIVE_BUDGETS_TARGET,
    )
