"""Budgets: what needs a decision today, all budgets, and one of them."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from budgets import selectors
from budgets.burn_down import burn_chart
from budgets.evaluation import pace
from budgets.results import BudgetDetail, Measured
from budgets.tables import TONES, BudgetTable, DecisionTable, PastTable, runs_out_text
from budgets.views.line_links import actual_lines
from budgets.views.parts import basis_text, budget_cells, mail_is_missing, trust_of
from costs.charts import Bar, BarChart, MoverChart
from costs.pages import current_moment, request_scope
from costs.queries import CostQuery, Granularity
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.cost_charts import explore_url


@require_safe
@login_required
def budgets(request: HttpRequest) -> HttpResponseBase:
    """Decisions by projected overrun, then every budget; staff also get templates."""
    scope, today = request_scope(request), current_moment().date()
    rows = selectors.budget_list(scope, today=today)
    urgent = [budget_cells(row) for row in rows if row.needs_decision]
    decisions = DecisionTable(urgent, request=request, caption="Needs a decision", prefix="d-")
    table = BudgetTable([budget_cells(row) for row in rows], request=request, caption="All budgets", prefix="b-")
    chosen = decisions if request.GET.get("table") == "decisions" else table
    if response := chosen.export(name=f"budgets-{today}", title_rows=[("Budgets as of", today.isoformat())]):
        return response
    context = {
        "rows": rows,
        "urgent": urgent,
        "active_count": sum(row.is_active for row in rows),
        "decisions": decisions,
        "table": table,
        "open_alerts": selectors.open_alert_count(scope),
        "mail_is_missing": mail_is_missing(scope),
        "suggestions": _suggestions(scope, today) if scope.everything else [],
        "trust": trust_of(scope, CostMetric.EFFECTIVE),
        "today": today,
    }
    return render(request, "budgets/budgets.html", context)


@require_safe
@login_required
def budget(request: HttpRequest, budget_key: str) -> HttpResponseBase:
    """One budget: how long it lasts, who caused it, what it was before, which alerts it gave."""
    scope, today = request_scope(request), current_moment().date()
    found = selectors.budget(scope, budget_key, today=today)
    row = found.row
    now = selectors.measured(scope, budget_key, today=today)[0]
    past = [
        {
            "period": item.period.label,
            "currency": row.currency,
            "lines_url": actual_lines(row, item.period),
            **_past_cells(item),
        }
        for item in found.past
    ]
    table = PastTable(past, request=request, caption="Earlier periods", prefix="p-")
    title_rows = [("Budget", row.name), ("Basis", basis_text(row)), ("Currency", row.currency)]
    if response := table.export(name=f"budget-{row.key}", title_rows=title_rows):
        return response
    context = {
        "found": found,
        "row": row,
        "now": now,
        "basis": basis_text(row),
        "tone": TONES[row.state],
        "lines_url": actual_lines(row, now.period, until=today),
        **_figures(found, now),
        "chart": burn_chart(now, currency=row.currency),
        "causes": _causes(scope, found, now),
        "table": table,
        "mail_is_missing": mail_is_missing(scope),
        "trust": trust_of(scope, row.metric, row.currency),
    }
    return render(request, "budgets/budget.html", context)


def _past_cells(item: Any) -> dict[str, Any]:
    return {
        "actual": item.actual,
        "plan": item.plan,
        "variance": item.variance,
        "variance_ratio": item.variance_ratio,
    }


def _figures(found: BudgetDetail, now: Measured) -> dict[str, Any]:
    """The headline from what was measured just now."""
    expected = now.actual if now.forecast.mean is None else now.forecast.mean
    seen = 0 if now.data_through is None else (now.data_through - now.period.start).days + 1
    days_seen = max(0, min(seen, now.period.day_count))
    return {
        "expected": expected,
        "overrun": expected - now.plan,
        "used": now.actual / now.plan if now.plan else None,
        "left": now.plan - now.actual,
        "pace": pace(now.actual, now.plan, days_seen=days_seen, day_count=now.period.day_count) if days_seen else None,
        "daily": now.actual / days_seen if days_seen else None,
        "runs_out": runs_out_text(now.runs_out, now.data_through),
        "has_run_out": bool(now.runs_out.expected and now.data_through and now.runs_out.expected <= now.data_through),
    }


def _causes(scope: Scope, found: BudgetDetail, now: Measured) -> MoverChart | BarChart:
    by = "service" if found.row.scope_kind.value == "team" else "team"
    names = {"team": "Teams", "service": "Services"}
    filters = () if found.row.scope_kind.value == "total" else ((found.row.scope_kind.value, found.row.scope_key),)
    query = CostQuery(
        first=now.period.months[0],
        last=now.period.months[-1],
        group_by=by,
        granularity=Granularity.MONTH,
        metric=found.row.metric,
        currency=found.row.currency,
        filters=filters,
    )
    bars = tuple(
        Bar(
            cause.label,
            cause.change,
            href=explore_url(query.narrowed_to(by, cause.key or "(none)").grouped_by("usage_type")),
        )
        for cause in now.causes
    )
    title = f"{names[by]} that rose most against as many days of {now.period.previous().label}"
    return MoverChart(title=title, bars=bars, currency=found.row.currency, label_header=names[by])


def _suggestions(scope: Scope, today: Any) -> list[dict[str, Any]]:
    return [
        {
            "item": item,
            "url": f"{reverse('budgets:budget_new')}?{urlencode(_start_of(item))}",
        }
        for item in selectors.suggestions(scope, today=today)
    ]


def _start_of(item: selectors.Suggestion) -> dict[str, str]:
    return {
        "name": item.name,
        "scope": f"{item.scope_kind.value}:{item.scope_key}",
        "cadence": item.cadence.value,
        "amount": f"{item.amount:f}",
    }
