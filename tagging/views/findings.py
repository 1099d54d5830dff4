"""Findings: money spent on nothing, by what it is and whose it is; one of them, and what is decided of it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.exports import ExportColumn, export_response
from costs.pages import current_moment, request_scope
from costs.queries import NOT_SET
from costs.scope import Scope
from costs.terms import CostMetric, FindingKind
from tagging import selectors, services
from tagging.access import is_viewing_as, led_keys, may_act_for
from tagging.forms.findings import STATES, TO_ACT_ON, DecisionForm, FindingFilterForm
from tagging.line_links import lines_url
from tagging.results import FindingRow, FindingTable, Trust
from tagging.tables.findings import EXPORTED, FindingsTable, exported
from tagging.terms import FindingState

FILTERS = ("kind", "state", "team", "search", "currency")
DONE_TEXTS = {
    FindingState.OPEN: "Open again",
    FindingState.ACCEPTED: "Accepted",
    FindingState.DISMISSED: "Dismissed",
    FindingState.DONE: "Done; its saving is measured from next month's bill on",
}


@require_safe
@login_required
def findings(request: HttpRequest) -> HttpResponseBase:
    """What there is to save, by kind, then every finding; filtered, sorted and paged by the URL."""
    scope = request_scope(request)
    chosen = _chosen(request)
    found = _found(scope, chosen)
    led = led_keys(request.user)
    rows = [_cells(row, may_change=_may_change(request, scope, row, led)) for row in found.rows]
    table = FindingsTable(found, rows, request=request, caption="Findings", per_page=25)
    title_rows = [("Basis", "Effective cost, a month"), ("Currency", found.currency)]
    by_ref = {row.ref: row for row in found.rows}
    shown = [by_ref[row.record["ref"]] for row in table.rows]
    if response := export_response(
        request, name="findings", title_rows=title_rows, columns=list(EXPORTED), rows=(exported(row) for row in shown)
    ):
        return response
    every = selectors.findings(scope, currency=found.currency)
    context = {
        "found": found,
        "every": every,
        "tiles": [_tile(chosen, total) for total in every.by_kind if total.count],
        "table": table,
        "form": _form(scope, chosen, every),
        "trust": _trust(scope, found.currency),
        "has_filters": any(chosen[name] for name in ("kind", "team", "search")) or chosen["state"] != TO_ACT_ON,
    }
    return render(request, "tagging/findings.html", context)


@require_safe
@login_required
def finding(request: HttpRequest, finding_ref: str) -> HttpResponseBase:
    """One finding: evidence, what was decided, what it saved since."""
    scope = request_scope(request)
    found = selectors.finding(scope, finding_ref)
    columns: list[ExportColumn | str] = ["Month", "Days", "Baseline", "Paid", "Saved"]
    months = (
        [str(each.period), each.covered_days, each.baseline_cost, each.actual_cost, each.saving]
        for each in found.months
    )
    title_rows = [("Finding", found.row.reason), ("Resource", found.row.resource_id), ("Currency", found.row.currency)]
    if response := export_response(
        request, name=f"finding-{finding_ref}", title_rows=title_rows, columns=columns, rows=months
    ):
        return response
    context = {
        "found": found,
        "row": found.row,
        "may_change": may_act_for(request.user, found.row.owner_key) and not is_viewing_as(request),
        "resources": [(name, _lines_url(found.row, name)) for name in found.resource_ids],
        "today": current_moment().date(),
        "trust": _trust(scope, found.row.currency),
    }
    return render(request, "tagging/finding.html", context)


@login_required
@require_POST
def finding_state(request: HttpRequest, finding_ref: str) -> HttpResponseBase:
    """Accept, dismiss, mark done or open again. Viewers may not: for them there is nothing here."""
    row = selectors.finding(request_scope(request), finding_ref).row
    if not may_act_for(request.user, row.owner_key):
        raise NotFoundInScopeError("Nothing here.")
    assert request.user.is_authenticated
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items()))
        return redirect("tagging:finding", finding_ref)
    state, asked = FindingState(form.cleaned_data["state"]), form.cleaned_data
    try:
        decision = services.Decision(state, asked["note"], asked["until"], asked["version"])
        services.change_finding(finding_ref, decision, user=request.user, now=current_moment())
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{DONE_TEXTS[state]}: {row.name}.")
    return redirect("tagging:finding", finding_ref)


def _chosen(request: HttpRequest) -> dict[str, str]:
    """The filters of the URL; InvalidRequestError for a kind or state there is none of."""
    chosen = {name: request.GET.get(name, "").strip() for name in FILTERS}
    chosen["state"] = chosen["state"] or TO_ACT_ON
    if chosen["state"] not in STATES:
        raise InvalidRequestError(f"'{chosen['state']}' is not a state of findings. Use {', '.join(STATES)}.")
    if chosen["kind"] and chosen["kind"] not in list(FindingKind):
        raise InvalidRequestError(f"'{chosen['kind']}' is not a kind of finding. Use {', '.join(FindingKind)}.")
    return chosen


def _found(scope: Scope, chosen: dict[str, str]) -> FindingTable:
    return selectors.findings(
        scope,
        kinds=[FindingKind(chosen["kind"])] if chosen["kind"] else [],
        states=STATES[chosen["state"]],
        team=chosen["team"],
        search=chosen["search"],
        currency=chosen["currency"].upper(),
    )


def _form(scope: Scope, chosen: dict[str, str], every: FindingTable) -> FindingFilterForm:
    owners = {(row.owner_key or NOT_SET, row.owner_label) for row in every.rows}
    return FindingFilterForm(
        initial={**chosen, "currency": every.currency},
        teams=sorted(owners, key=lambda pair: (pair[0] == NOT_SET, pair[1])),
        currencies=[every.currency, *every.other_currencies],
    )


def _tile(chosen: dict[str, str], total: Any) -> dict[str, Any]:
    kept = [("currency", chosen["currency"])] if chosen["currency"] else []
    url = f"{reverse('tagging:findings')}?{urlencode([('kind', total.kind.value), *kept])}"
    return {"total": total, "url": url}


def _cells(row: FindingRow, *, may_change: bool) -> dict[str, Any]:
    """A finding as a row of the table."""
    return {
        **vars(row),
        "title": row.title,
        "name": row.name,
        "state": row.state.value,
        "url": reverse("tagging:finding", args=[row.ref]),
        "may_change": may_change,
    }


def _may_change(request: HttpRequest, scope: Scope, row: FindingRow, led: frozenset[str]) -> bool:
    return not is_viewing_as(request) and (scope.everything or row.owner_key in led)


def _lines_url(row: FindingRow, resource_id: str) -> str:
    """The lines of the bill behind one of its resources; '' for commitments, whose fees name none."""
    if row.kind is FindingKind.UNUSED_COMMITMENT:
        return ""
    filters = (("team", row.owner_key), ("resource", resource_id))
    return lines_url(row.period, CostMetric.EFFECTIVE, currency=row.currency, filters=filters)


def _trust(scope: Scope, currency: str) -> Trust | None:
    """The trust strip of the newest month, or None before the first."""
    period = selectors.latest_period(scope)
    return None if period is None else selectors.trust(scope, period, metric=CostMetric.EFFECTIVE, currency=currency)
