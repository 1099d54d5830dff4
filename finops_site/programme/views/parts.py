"""What the pages of the programme share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from costs.exports import TitleRows
from costs.pages import current_moment, request_scope, staff_page
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site.programme import selectors
from finops_site.programme.results import Plan
from tagging import selectors as ownership
from tagging.selectors import Trust

PAGES = (
    ("programme", "Plan"),
    ("programme_case", "Business case"),
    ("programme_risks", "Risks"),
    ("programme_savings", "Savings"),
    ("programme_settings", "Change it"),
)


def programme_page(view: Callable[[HttpRequest, Plan], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A staff page over the programme; before it was started, the page that offers to start it."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponseBase:
        plan = selectors.programme(request_scope(request))
        if plan is None:
            return render(request, "programme/empty.html", {"today": current_moment().date()})
        return view(request, plan)

    return staff_page(answer)


def shared(request: HttpRequest, plan: Plan) -> dict[str, Any]:
    """What every template of the programme draws: its name and the tabs."""
    tabs = [(label, reverse(name)) for name, label in PAGES]
    current = max((url for _, url in tabs if request.path.startswith(url)), key=len, default="")
    return {"plan": plan, "tabs": [(label, url, url == current) for label, url in tabs]}


def trust_of(scope: Scope, plan: Plan) -> Trust | None:
    """The trust strip of the newest month, or None before the first."""
    period = ownership.latest_period(scope)
    if period is None:
        return None
    return ownership.trust(scope, period, metric=CostMetric.EFFECTIVE, currency=plan.currency)


def title_rows(plan: Plan, *more: tuple[str, str]) -> TitleRows:
    """What an exported file says of itself."""
    start = ("Starts on", plan.starts_on.isoformat())
    return [("Programme", plan.name), start, ("Currency", plan.currency), *more]
