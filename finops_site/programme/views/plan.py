"""The 90-day plan with live progress, and success metrics by month."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from costs.pages import current_moment, request_scope, staff_page
from finops_site.programme import rows, selectors, services
from finops_site.programme.charts import coverage_chart, saving_chart
from finops_site.programme.progress import Progress
from finops_site.programme.results import Plan
from finops_site.programme.tables import MetricTable, PlanTable
from finops_site.programme.terms import StepState
from finops_site.programme.views.parts import programme_page, shared, title_rows, trust_of


@require_safe
@programme_page
def plan(request: HttpRequest, found: Plan) -> HttpResponseBase:
    """Every step as it was measured; then the metrics it is measured by, month by month."""
    scope, today = request_scope(request), current_moment().date()
    progress = selectors.progress(scope, found, today=today)
    metrics = selectors.success_metrics(scope, found, today=today)
    to_file = "format" in request.GET
    lines = [rows.step(item, found, today=today) for item in progress]
    steps = PlanTable(lines, request=request, caption="Plan with progress", prefix="p-")
    if to_file:
        steps.columns.show("phase")
    table = MetricTable(
        metrics, request=request, currency=found.currency, to_file=to_file, caption="Success metrics", prefix="m-"
    )
    chosen = table if request.GET.get("table") == "metrics" else steps
    if response := chosen.export(name=f"programme-{today}", title_rows=title_rows(found, ("As of", today.isoformat()))):
        return response
    case = _middle(found)
    context = {
        **shared(request, found),
        "today": today,
        "summary": summary(progress, found, today=today),
        "steps": steps,
        "table": table,
        "coverage": coverage_chart(metrics),
        "saving": saving_chart(found, case, selectors.readings_of(scope, found)),
        "trust": trust_of(scope, found),
    }
    return render(request, "programme/plan.html", context)


@staff_page
@require_POST
def start(request: HttpRequest) -> HttpResponseBase:
    """Make the programme with its default plan."""
    try:
        starts_on = forms.DateField().clean(request.POST.get("starts_on", ""))
    except forms.ValidationError:
        messages.error(request, "Give the day it starts on, like 2026-09-01.")
        return redirect("programme")
    if services.start_programme(starts_on=starts_on):
        messages.success(request, "The programme is made. Amounts in it are defaults: replace them with your own.")
    else:
        messages.info(request, "There is a programme already.")
    return redirect("programme")


def summary(progress: Sequence[Progress], found: Plan, *, today: date) -> dict[str, Any]:
    """How far the plan is, and what comes next."""
    steps = [item for item in progress if not item.step.is_gate]
    gates = [item for item in progress if item.step.is_gate]
    waiting = [item for item in steps if not item.state.is_reached and item.step.due_on >= today]
    return {
        "day": (today - found.starts_on).days,
        "steps": len(steps),
        "done": sum(item.state.is_reached for item in steps),
        "late": sum(item.state is StepState.LATE for item in steps),
        "unmeasured": sum(item.state is StepState.NOT_MEASURABLE for item in steps),
        "gates": gates,
        "next": min(waiting, key=lambda item: item.step.due_on, default=None),
    }


def _middle(found: Plan) -> Any:
    middle = found.middle_scenario
    return next((row for row in selectors.case_rows(found) if row.scenario == middle), None)
