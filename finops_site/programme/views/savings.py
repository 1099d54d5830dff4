"""Savings by source: claimed, planned and measured side by side."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from costs.figures import money
from costs.pages import current_moment, request_scope
from finops_site.programme import rows
from finops_site.programme.results import Plan
from finops_site.programme.savings import savings as savings_of
from finops_site.programme.tables import SavingTable
from finops_site.programme.views.parts import programme_page, shared, title_rows, trust_of

BASES = ("claim_basis", "planned_basis", "measured_basis")


@require_safe
@programme_page
def savings(request: HttpRequest, plan: Plan) -> HttpResponseBase:
    """What was promised, what the data supports, what came of it; with the basis of each."""
    scope, today = request_scope(request), current_moment().date()
    found = savings_of(scope, plan, today=today)
    totals = {name: money(getattr(found, name), plan.currency) for name in ("claimed", "planned", "measured")}
    table = SavingTable(
        [rows.saving(row, plan) for row in found.rows],
        totals=totals,
        request=request,
        caption="Savings a year by source",
        prefix="v-",
        exclude=() if "format" in request.GET else BASES,
        orderable=False,
    )
    titles = title_rows(plan, ("As of", today.isoformat()), ("Amounts", "a year"))
    if response := table.export(name="programme-savings", title_rows=titles):
        return response
    context = {**shared(request, plan), "found": found, "table": table, "trust": trust_of(scope, plan)}
    return render(request, "programme/savings.html", context)
