"""Budgets on the overview and on a team's page: how long plans last, and how many alerts are open."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings

from budgets import selectors as plans
from budgets.selectors import BudgetRow
from budgets.terms import ScopeKind
from costs.scope import Scope
from finops_site.panels.parts import panel

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
def outlook(scope: Scope, *, today: date, team_key: str = "") -> PlanOutlook:
    """All budgets of the reader, or those of one team."""
    found = [row for row in plans.budget_list(scope, today=today) if row.is_active]
    if team_key:
        found = [row for row in found if row.scope_kind is ScopeKind.TEAM and row.scope_key == team_key]
    return PlanOutlook(
        rows=tuple(found[:SHOWN]),
        active_count=len(found),
        over_count=sum(row.needs_decision for row in found),
        alert_count=sum(row.open_alerts for row in found),
        target=settings.ACTIVE_BUDGETS_TARGET,
    )
