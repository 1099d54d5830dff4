"""The risk register."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from costs.money import plain
from finops_site.programme import rows
from finops_site.programme.charts import risk_chart
from finops_site.programme.results import Plan
from finops_site.programme.risk import expected_loss
from finops_site.programme.tables import RiskTable
from finops_site.programme.views.parts import programme_page, shared, title_rows


@require_safe
@programme_page
def risks(request: HttpRequest, plan: Plan) -> HttpResponseBase:
    """Probability × impact, the largest expected loss first."""
    table = RiskTable(
        [rows.risk(row, plan) for row in plan.risks], request=request, caption="Risk register", prefix="r-"
    )
    loss = expected_loss(plan.counted_exposures)
    titles = title_rows(plan, ("Expected loss a year of what counts", plain(loss)))
    if response := table.export(name="programme-risks", title_rows=titles):
        return response
    context = {**shared(request, plan), "table": table, "loss": loss, "chart": risk_chart(plan)}
    return render(request, "programme/risks.html", context)
