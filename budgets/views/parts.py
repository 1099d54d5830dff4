"""What the pages of budgets share."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from budgets.results import BudgetRow, PeriodRow
from budgets.tables import TONES, reason_text, runs_out_text
from budgets.views.line_links import actual_lines
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors as ownership
from tagging.selectors import Trust


def mail_is_missing(scope: Scope) -> bool:
    """Whether to warn that alerts stay in the inbox; teams cannot change it, so only staff read it."""
    return scope.everything and not settings.MAIL_IS_CONFIGURED


def trust_of(scope: Scope, metric: CostMetric, currency: str = "") -> Trust | None:
    """The trust strip of the newest month, or None before the first."""
    period = ownership.latest_period(scope)
    return None if period is None else ownership.trust(scope, period, metric=metric, currency=currency)


def budget_cells(row: BudgetRow) -> dict[str, Any]:
    """A budget as a row of a table or file."""
    now = row.now
    return {
        "name": row.name,
        "url": reverse("budgets:budget", args=[row.key]),
        "scope": row.scope_label,
        "period": now.period.label if now else "",
        "currency": row.currency,
        "owner": row.owner or "FinOps staff",
        "state": row.state.value,
        "tone": TONES[row.state],
        "is_active": row.is_active,
        "lines_url": actual_lines(row, now.period, until=now.evaluated_at.date()) if now else "",
        **(period_cells(now, row.currency) if now else {}),
    }


def period_cells(period: PeriodRow, currency: str) -> dict[str, Any]:
    """A period's figures."""
    return {
        "used": period.used,
        "actual": period.actual,
        "plan": period.plan,
        "expected": period.forecast,
        "overrun": period.overrun,
        "runs_out": runs_out_text(period.runs_out, period.data_through),
        "reason": reason_text(period, currency),
    }


def basis_text(row: BudgetRow) -> str:
    """`Effective cost without credits, refunds, tax`."""
    without = f" without {', '.join(row.left_out)}" if row.left_out else ""
    return f"{row.metric.value.capitalize()} cost{without}"
