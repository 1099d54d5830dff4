"""The inbox of alerts."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from budgets import selectors, services
from budgets.results import AlertRow
from budgets.tables import AlertTable
from budgets.terms import Severity, ThresholdKind
from budgets.views.parts import mail_is_missing, trust_of
from costs.errors import NotFoundInScopeError
from costs.pages import current_moment, request_scope
from costs.terms import CostMetric

DONE_SHOWN = 50


@require_safe
@login_required
def inbox(request: HttpRequest) -> HttpResponseBase:
    """Open alerts first, then the latest that somebody has taken on."""
    scope = request_scope(request)
    found = selectors.alerts(scope)
    table = AlertTable([_cells(row) for row in found], request=request, caption="Alerts")
    if response := table.export(name="alerts", title_rows=[("Alerts", "newest first")]):
        return response
    waiting = sorted((row for row in found if row.is_open and not row.told_with), key=_urgency)
    context = {
        "open": [
            {
                "row": row,
                "also": [item for item in found if item.told_with == row.ref],
                "may_acknowledge": selectors.may_acknowledge(scope, request.user, row),
            }
            for row in waiting
        ],
        "done": [row for row in found if not row.is_open and not row.told_with][:DONE_SHOWN],
        "mail_is_missing": mail_is_missing(scope),
        "trust": trust_of(scope, CostMetric.EFFECTIVE),
    }
    return render(request, "budgets/inbox.html", context)


@login_required
@require_POST
def acknowledge(request: HttpRequest, alert_ref: str) -> HttpResponseBase:
    """Take an alert on. Viewers may not: for them there is nothing here."""
    scope = request_scope(request)
    row = selectors.alert(scope, alert_ref)
    if not selectors.may_acknowledge(scope, request.user, row):
        raise NotFoundInScopeError("Nothing here.")
    assert request.user.is_authenticated
    note = request.POST.get("note", "")
    if services.acknowledge(alert_ref, user=request.user, now=current_moment(), note=note):
        messages.success(request, f"Acknowledged: {row.budget_name}, {row.period.label}.")
    else:
        messages.info(request, f"{row.acknowledged_by} has acknowledged it already.")
    return redirect("budgets:inbox")


def _urgency(row: AlertRow) -> tuple[int, Decimal]:
    return (-list(Severity).index(row.severity), -row.overrun)


def _cells(row: AlertRow) -> dict[str, Any]:
    share = f"{row.percent:f} %".replace("+", "")
    step = f"{share} {'expected' if row.kind is ThresholdKind.FORECAST else 'spent'}"
    on = "" if row.acknowledged_at is None else f"{row.acknowledged_at:%Y-%m-%d} {row.acknowledged_by}"
    return {
        "created_at": f"{row.created_at:%Y-%m-%d %H:%M}",
        "budget": row.budget_name,
        "period": row.period.label,
        "step": step,
        "severity": row.severity.value,
        "value": row.value,
        "plan": row.plan,
        "overrun": row.overrun,
        "acknowledged": on,
        "currency": row.currency,
    }
