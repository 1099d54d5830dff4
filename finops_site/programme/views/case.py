"""The business case: scenarios under the programme's assumptions or others, which the address carries."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from costs.errors import InvalidRequestError
from costs.figures import number, pct
from costs.money import plain
from costs.pages import staff_page
from finops_site.programme import rows, selectors, services
from finops_site.programme.business_case import Assumptions
from finops_site.programme.charts import cash_chart
from finops_site.programme.forms import AssumptionsForm, WhatIfForm, assumptions_as_initial, assumptions_of
from finops_site.programme.results import CaseRow, Plan
from finops_site.programme.tables import ScenarioTable, YearTable
from finops_site.programme.views.parts import programme_page, shared, title_rows


@require_safe
@programme_page
def business_case(request: HttpRequest, plan: Plan) -> HttpResponseBase:
    """Return, payback and net present value of every scenario, also with the risks taken off."""
    form = _what_if(request, plan)
    assumed = form.as_assumptions() if form.is_valid() else plan.assumptions
    cases = selectors.case_rows(plan, assumptions=assumed)
    chosen = _chosen(cases, plan, request.GET.get("scenario", ""))
    scenarios = ScenarioTable(
        rows.scenarios(cases, plan), request=request, caption="Scenarios", prefix="s-", orderable=False
    )
    years = YearTable(
        rows.years(chosen.case, plan.currency) if chosen else [],
        request=request,
        caption="Cash by year",
        prefix="y-",
        orderable=False,
    )
    table = years if request.GET.get("table") == "years" else scenarios
    name = chosen.scenario.name if chosen and table is years else ""
    if response := table.export(name="business-case", title_rows=_titles(plan, assumed, name)):
        return response
    context = {
        **shared(request, plan),
        "form": form,
        "assumed": assumed,
        "is_other": assumed != plan.assumptions,
        "assumed_fields": assumptions_as_initial(assumed),
        "cases": cases,
        "chosen": chosen,
        "stats": _stats(chosen) if chosen else None,
        "loss": sum((exposure.expected_loss for exposure in plan.counted_exposures), 0),
        "scenarios": scenarios,
        "years": years,
        "chart": cash_chart(chosen, plan.currency) if chosen else None,
    }
    return render(request, "programme/case.html", context, status=200 if form.is_valid() else 400)


@staff_page
@require_POST
def save_assumptions(request: HttpRequest) -> HttpResponseBase:
    """Make what was looked at the programme's own assumptions."""
    try:
        services.save_assumptions(assumptions_of(AssumptionsForm(request.POST)))
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "These are the programme's assumptions now.")
    return redirect("programme_case")


def _what_if(request: HttpRequest, plan: Plan) -> WhatIfForm:
    """The form, bound to the programme's assumptions and over them what the address says."""
    data = assumptions_as_initial(plan.assumptions)
    middle = plan.middle_scenario
    data["scenario"] = middle.name if middle else ""
    data |= {name: request.GET.get(name, value) for name, value in data.items()}
    form = WhatIfForm(data, scenarios=[row.name for row in plan.scenarios])
    form.is_valid()
    return form


def _chosen(cases: tuple[CaseRow, ...], plan: Plan, name: str) -> CaseRow | None:
    found = next((row for row in cases if row.scenario.name == name), None)
    return found or next((row for row in cases if row.scenario == plan.middle_scenario), None)


def _stats(row: CaseRow) -> dict[str, Any]:
    return {
        "payback": rows.payback_text(row.case.payback_months),
        "adjusted": rows.payback_text(row.adjusted.payback_months),
    }


def _titles(plan: Plan, assumed: Assumptions, scenario: str) -> Any:
    named = [("Scenario", scenario)] if scenario else []
    return title_rows(
        plan,
        *named,
        ("Investment", plain(assumed.investment)),
        ("Discount rate", pct(assumed.discount_rate, 2)),
        ("Ramp-up", f"{assumed.ramp_up_months} months"),
        ("Delay", f"{assumed.delay_months} months"),
        ("Horizon", f"{number(assumed.horizon_years)} years"),
    )
