"""The resources of a month: what each costs, whose it is, and what the tag policy says of it."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from costs.errors import InvalidRequestError
from costs.pages import request_scope
from costs.queries import CostQuery
from costs.scope import Scope
from tagging import selectors
from tagging.forms.explore import ResourceForm
from tagging.results import ResourceRow, ResourceTable
from tagging.tables.resources import ResourcesTable
from tagging.views.chargeback import no_costs_text
from tagging.views.months import Month, chosen_month, month_lines

DIMENSIONS = ("team", "service", "account", "region", "environment")
STATES = ("compliant", "to_fix")
# In the order they are told to the reader.
FILTERS = {
    "team": "Team",
    "service": "Service",
    "account": "Account",
    "region": "Region",
    "environment": "Environment",
    "state": "Tags",
    "missing": "Missing",
    "invalid": "Not allowed",
    "search": "Search",
}
Filters = tuple[tuple[str, str], ...]


@require_safe
@login_required
def resources(request: HttpRequest) -> HttpResponseBase:
    """Taggable resources with cost, owner and tags; filtered, sorted and paged by the URL."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        return render(request, "tagging/resources.html", {"month": None, "empty_text": no_costs_text(scope)})
    filters = chosen_filters(request)
    found = selectors.resources(scope, month.period, metric=month.metric, currency=month.currency, filters=filters)
    table = ResourcesTable(
        found,
        lines_url=lines_url(month, filters),
        request=request,
        caption=f"Resources, {month.period.label}",
        per_page=25,
        order_by=request.GET.get("sort") or "-cost",
    )
    if response := table.export(name=f"resources-{month.period}", title_rows=[*month.title_rows, *_told(filters)]):
        return response
    context = {
        "month": month,
        "found": found,
        "table": table,
        "to_fix": found.rows.to_fix,
        "form": _form(scope, month, filters, found),
        "keep": [pair for pair in filters if pair[0] == "invalid"],
        "chips": [_chip(month, filters, pair) for pair in filters],
        "clear_url": _url(month, ()),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
    }
    return render(request, "tagging/resources.html", context)


def chosen_filters(request: HttpRequest) -> Filters:
    """The filters of the URL; InvalidRequestError for a state there is none of."""
    found = tuple((name, value.strip()) for name in FILTERS for value in request.GET.getlist(name) if value.strip())
    for name, value in found:
        if name == "state" and value not in STATES:
            raise InvalidRequestError(f"'{value}' is not a state of tags. Use {' or '.join(STATES)}.")
    return found


def lines_url(month: Month, filters: Filters) -> Callable[[ResourceRow], str]:
    """From a resource to the lines of the bill behind it: all that the reader may see, whoever owns them.

    Filters on what lines are of cut the figure, so they cut the lines, too.
    """
    kept = [pair for pair in filters if pair[0] in DIMENSIONS and pair[0] != "account"]

    def address(row: ResourceRow) -> str:
        own = (("account", row.sub_account_id), ("resource", row.resource_id), ("taggable", "yes"))
        return month_lines(month, *kept, *own)

    return address


def _form(scope: Scope, month: Month, filters: Filters, found: ResourceTable) -> ResourceForm:
    query = CostQuery(month.period, month.period, metric=month.metric, currency=month.currency)
    return ResourceForm(
        initial={**month.initial, **dict(filters)},
        periods=month.periods,
        currencies=month.currencies,
        offered=selectors.filter_values(scope, query, DIMENSIONS),
        policy_keys=found.policy_keys,
    )


def _chip(month: Month, filters: Filters, pair: tuple[str, str]) -> dict[str, Any]:
    kept = tuple(other for other in filters if other != pair)
    return {"name": FILTERS[pair[0]], "value": pair[1].replace("_", " "), "url": _url(month, kept)}


def _url(month: Month, filters: Sequence[tuple[str, str]]) -> str:
    return f"{reverse('tagging:resources')}?{urlencode([*month.params, *filters])}"


def _told(filters: Filters) -> list[tuple[str, str]]:
    return [(f"Filter: {FILTERS[name]}", value) for name, value in filters]
