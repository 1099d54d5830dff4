"""What the shared cost of a cost centre is made of."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from costs.pages import request_scope
from costs.queries import NOT_SET
from costs.scope import Scope
from tagging.addresses import month_path, with_params
from tagging.forms.months import MonthForm
from tagging.owners import pool_owner
from tagging.results.pools import CenterShare
from tagging.selectors.center_shares import shares_by_center
from tagging.selectors.shared import BENEFIT_KEY
from tagging.tables.chargeback import CenterShareTable
from tagging.views.months import Month, chosen_month

NO_CENTER = "No cost centre"
LEFT_IT = "what left it"


@login_required
def center_shares(request: HttpRequest) -> HttpResponseBase:
    """Who bears which pool's part, by cost centre; `center` narrows to one, or to what has none."""
    scope = request_scope(request)
    month = chosen_month(request, scope, as_charged=True)
    if month is None:
        return redirect("tagging:chargeback")
    asked = request.GET.get("center", "")
    found = shares_by_center(scope, month.period, metric=month.metric, currency=month.currency)
    shown = [row for row in found if not asked or row.center == ("" if asked == NOT_SET else asked)]
    label = NO_CENTER if asked == NOT_SET else asked
    table = CenterShareTable(
        [_row(row, scope, month) for row in shown],
        currency=month.currency,
        request=request,
        caption=f"Shared costs, {month.period.label}",
    )
    name = f"shares-by-cost-centre-{month.period}"
    title_rows = [*month.title_rows, *([("Cost centre", label)] if asked else [])]
    if response := table.export(name=name, title_rows=title_rows):
        return response
    back = with_params(reverse("tagging:chargeback"), [*month.params, ("by", "cost_center")])
    context = {
        "month": month,
        "table": table,
        "label": label,
        "back_url": back,
        "all_url": with_params(request.path, month.params) if asked else "",
        "keep": [("center", asked)] if asked else [],
        "form": MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
    }
    return render(request, "tagging/center_shares.html", context)


def _row(row: CenterShare, scope: Scope, month: Month) -> dict[str, object]:
    """A share with the ways to its statement and to its pool; what a team may know of a pool its statement says."""
    leads_on = scope.everything and row.pool_key not in ("", BENEFIT_KEY)
    return {
        "center": row.center or NO_CENTER,
        "owner": row.owner,
        "owner_url": with_params(month_path(row.owner_key), month.params),
        "pool": row.pool_name or LEFT_IT,
        "pool_url": with_params(month_path(pool_owner(row.pool_key)), month.params) if leads_on else "",
        "cost": row.cost,
    }
