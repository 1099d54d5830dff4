"""The explore page: costs by any dimension, over time and against before, down to resources and lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from costs.adding import InCents
from costs.charts import ColumnChart, MoverChart
from costs.errors import InvalidRequestError
from costs.money import ratio, round_to_cents
from costs.pages import current_moment, request_scope
from costs.periods import BillingPeriod
from costs.queries import MAX_TOP, CostQuery, Granularity, check_dimension, dimension_label, parse_query
from costs.scope import Scope
from costs.series import change
from tagging import selectors
from tagging.addresses import why_path, with_params
from tagging.cost_charts import NOTHING_BEFORE, bucket_label, bucket_query, change_chart, column_chart, deeper
from tagging.cubes import CostPivot
from tagging.forms.explore import FILTERS, ExploreForm, FilterForm
from tagging.line_links import lines_of_days, lines_of_query
from tagging.results import CostRow, CostTable, Mover
from tagging.selectors.shown_tags import offered_tag_keys
from tagging.selectors.suggested import mark_costs
from tagging.tables.explore import ExploreLinks, ExploreRow, ExploreTable
from tagging.views.chargeback import no_costs_text

TABS = ("team", "service", "usage_type", "account", "region", "environment", "category")
RESOURCE_FILTERS = ("team", "service", "account", "region")
PIVOT_COLUMNS = 5
MOVERS_SHOWN = 10
MONTHS_BY_DAY = 3
MONTHS_NAMED = 2
REMOVED_VIEW = "removed_view"  # in the session: what a saved view was that has just been removed


@dataclass(frozen=True)
class Asked:
    """The page's whole state: the question, a second dimension, and links that keep the rest."""

    query: CostQuery
    then: str
    chosen_width: bool

    def url(self, query: CostQuery, *, then: str | None = None) -> str:
        """This page with another question."""
        return f"{reverse('tagging:explore')}?{urlencode(self.params(query, then=then))}"

    @property
    def query_string(self) -> str:
        """The whole state as a query string."""
        return urlencode(self.params(self.query))

    def params(self, query: CostQuery, *, then: str | None = None) -> list[tuple[str, str]]:
        """The state as URL parameters, without what is the default."""
        second = self.then if then is None else then
        pairs = [pair for pair in query.params() if pair[0] != "per" or self.chosen_width]
        pairs += [("then", second)] if second and second != query.group_by else []
        return pairs + ([("top", str(query.top))] if query.top != CostQuery.top else [])


@dataclass(frozen=True)
class Chip:
    """A filter in force, with the address of the page without it."""

    name: str
    value: str
    url: str


@require_safe
@login_required
def explore(request: HttpRequest) -> HttpResponseBase:
    """Costs of a range of months by one dimension, cut by a second; every mark leads deeper."""
    scope = request_scope(request)
    periods = selectors.periods_of(scope)
    if not periods:
        empty = {"asked": None, "empty_text": no_costs_text(scope), "removed": removed_view(request)}
        return render(request, "tagging/explore.html", empty)
    latest = last_full(periods, today=current_moment().date())
    asked = asked_of(request, latest=latest)
    found = mark_costs(scope, selectors.explore_costs(scope, asked.query))
    pivot = selectors.cost_pivot(scope, asked.query, asked.then, top=PIVOT_COLUMNS) if asked.then else None
    table = table_of(request, asked, found, pivot)
    moved = change(found.total, found.previous_total)
    name = f"costs-{asked.query.first}-{asked.query.last}-by-{asked.query.group_by}"
    if response := table.export(name=name, title_rows=title_rows(asked, found)):
        return response
    context = {
        "asked": asked,
        "found": found,
        "before": found.compared.label if found.compared else "",
        "nothing_before": nothing_before(found),
        "moved": moved,
        "moved_cost": InCents(moved.amount, round_to_cents(found.total) - round_to_cents(found.previous_total)),
        "chart": chart_of(asked, found, table),
        "movers": movers_of(asked, found, table),
        "table": table,
        "trust": selectors.trust(scope, asked.query.last, metric=asked.query.metric, currency=found.currency),
        "views": selectors.own_views(request.user.pk, latest=latest) if request.user.pk else (),
        "removed": removed_view(request),
        **_filter_context(scope, asked, found, periods),
    }
    return render(request, "tagging/explore.html", context)


def removed_view(request: HttpRequest) -> dict[str, Any] | None:
    """The saved view that was removed just before, to be offered once; never to who views as its owner."""
    removed: dict[str, Any] | None = request.session.pop(REMOVED_VIEW, None)
    return removed


def asked_of(request: HttpRequest, *, latest: BillingPeriod) -> Asked:
    """The question in the URL; one month is drawn by day unless it says otherwise."""
    return asked_of_params(request.GET, latest=latest)


def asked_of_params(params: QueryDict, *, latest: BillingPeriod) -> Asked:
    """The same of any URL parameters."""
    query = parse_query(dict(params.lists()), latest=latest)
    chosen_width = bool(params.get("per"))
    if query.first == query.last and not chosen_width:
        query = replace(query, granularity=Granularity.DAY)
    then = params.get("then", "").strip()
    second = check_dimension(then) if then else ""
    return Asked(replace(query, top=_top(params)), "" if second == query.group_by else second, chosen_width)


def last_full(periods: Sequence[BillingPeriod], *, today: date) -> BillingPeriod:
    """The newest month with costs that is over; the newest at all where none is."""
    return next((period for period in periods if period.end <= today), periods[0])


def nothing_before(found: CostTable) -> str:
    """Why nothing is compared; empty where something is."""
    if not found.not_covered:
        return "" if found.previous_total else NOTHING_BEFORE
    names = [period.label for period in found.not_covered[:MONTHS_NAMED]]
    more = len(found.not_covered) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more else "")
    return f"There is nothing to compare with: no costs in {listed}."


def table_of(request: HttpRequest, asked: Asked, found: CostTable, pivot: CostPivot | None) -> ExploreTable:
    """The rows with their change; the second dimension, or in a file the buckets, as further columns."""
    query = asked.query
    parts: list[tuple[str, Decimal]] = []
    amounts: Mapping[str, tuple[Decimal, ...]] = {}
    if pivot is not None:
        parts, amounts = list(zip(pivot.columns, pivot.totals, strict=True)), pivot.rows
    elif request.GET.get("format"):
        sums = [sum(column, Decimal(0)) for column in zip(*(row.points for row in found.rows), strict=True)]
        names = [bucket_label(start, query.granularity) for start in found.bucket_starts]
        parts, amounts = list(zip(names, sums, strict=False)), {row.key: row.points for row in found.rows}
    return ExploreTable(
        [_table_row(found, row, amounts.get(row.key, (Decimal(0),) * len(parts))) for row in found.rows],
        found=found,
        url_of=lambda key: asked.url(deeper(query, key)),
        lines=links_of(asked, found, pivot),
        headers=(dimension_label(query.group_by), found.compared.label if found.compared else "Before"),
        parts=parts,
        request=request,
        exclude=hidden_columns(request, found),
        caption=f"Costs by {dimension_label(query.group_by).lower()}",
        per_page=25,
    )


def links_of(asked: Asked, found: CostTable, pivot: CostPivot | None) -> ExploreLinks:
    """The lines behind a row, a part of it, what it was before, and the totals of them."""
    query = replace(asked.query, currency=found.currency)

    def of(key: str | None, part: int | None) -> str:
        more = [] if key is None else [(query.group_by, key)]
        if part is None:
            return lines_of_query(query, *more)
        values = pivot.column_keys[part] if pivot is not None else None  # None: the rest, which no filter names
        return "" if values is None else lines_of_query(query, *more, (asked.then, values))

    def before(key: str | None) -> str:
        if found.compared is None:
            return ""
        kept = [pair for pair in query.filters if key is None or pair[0] != query.group_by]
        pairs = [*kept, *([(query.group_by, key)] if key is not None else [])]
        return lines_of_days(found.compared, query.metric, currency=found.currency, filters=pairs)

    return ExploreLinks(of, before)


def hidden_columns(request: HttpRequest, found: CostTable) -> tuple[str, ...]:
    """Columns with nothing to say; what is suggested is a mark on the page and a column of files."""
    changes = () if found.previous_total else ("previous_cost", "change", "change_ratio")
    has_ours = request.GET.get("format") and any(row.suggested_cost for row in found.rows)
    return changes if has_ours else (*changes, "suggested_cost")


def _table_row(found: CostTable, row: CostRow, parts: tuple[Decimal, ...]) -> ExploreRow:
    moved = change(row.cost, row.previous_cost)
    return ExploreRow(
        key=row.key,
        label=row.label,
        cost=row.cost,
        previous_cost=row.previous_cost,
        change=moved.amount,
        change_ratio=moved.ratio,
        share=ratio(row.cost, found.total),
        parts=parts,
        is_missing=row.is_missing,
        suggested_cost=row.suggested_cost,
    )


def chart_of(asked: Asked, found: CostTable, table: ExploreTable) -> ColumnChart:
    """Columns over time, named with the table's cents; a mark opens its value, in the month it stands in."""
    label = dimension_label(asked.query.group_by).lower()

    def href(key: str, start: date | None) -> str:
        return asked.url(deeper(bucket_query(asked.query, start), key))

    return column_chart(
        found, title=f"Costs by {label}", href_of=href, top=asked.query.top, cents=cents_by_key(table, "cost")
    )


def cents_by_key(table: ExploreTable, name: str) -> dict[str, Decimal]:
    """What the table shows in a column, by value of the dimension; nothing where it shows each amount alone."""
    shown = {record.key: table.cents(record, name) for record in table.data.data}
    found = {key: cents for key, cents in shown.items() if cents is not None}
    return found if len(found) == len(shown) else {}


def movers_of(asked: Asked, found: CostTable, table: ExploreTable) -> MoverChart:
    """The ten values that changed most against before, in the cents of the table below; why there are none where
    nothing is compared.
    """
    cents = cents_by_key(table, "change")
    rows = [
        Mover(
            row.key,
            row.label,
            row.cost,
            row.previous_cost,
            cents.get(row.key, moved.amount),
            moved.ratio,
            row.is_missing,
        )
        for row in found.rows
        for moved in (change(row.cost, row.previous_cost),)
    ]
    return change_chart(
        sorted(rows, key=lambda row: (-abs(row.change), row.label))[:MOVERS_SHOWN],
        title="What changed most",
        href_of=lambda key: asked.url(deeper(asked.query, key)),
        currency=found.currency,
        nothing_before=nothing_before(found),
    )


def title_rows(asked: Asked, found: CostTable) -> list[tuple[str, str]]:
    """The head of an exported file."""
    query = asked.query
    rows = [
        ("Months", f"{query.first} to {query.last}"),
        ("Compared with", found.compared.label if found.compared else nothing_before(found)),
        ("Basis", f"{query.metric.value.capitalize()} cost"),
        ("Currency", found.currency),
    ]
    return rows + [(f"Filter: {dimension_label(name)}", value) for name, value in query.filters]


def _filter_context(scope: Scope, asked: Asked, found: CostTable, periods: Sequence[BillingPeriod]) -> dict[str, Any]:
    query = asked.query
    offered = selectors.filter_values(scope, query, FILTERS)
    currencies = (found.currency, *found.other_currencies)
    form = ExploreForm(query, then=asked.then, periods=periods, tag_keys=offered_tag_keys(scope), currencies=currencies)
    filters = FilterForm(query, offered)
    return {
        "form": form,
        "filters": filters,
        "kept": [pair for pair in query.filters if pair[0] not in filters.fields]
        + ([("per", query.granularity.value)] if asked.chosen_width else []),
        "chips": _chips(asked, offered),
        "clear_url": asked.url(replace(query, filters=())),
        "then_label": dimension_label(asked.then).lower() if asked.then else "",
        "range_label": query.last.label if query.first == query.last else f"{query.first.label} to {query.last.label}",
        "widths": [
            (per.value.capitalize(), _width_url(asked, per), per is query.granularity) for per in _widths_for(query)
        ],
        "tabs": [(name, dimension_label(name), asked.url(query.grouped_by(name))) for name in TABS],
        "resources_url": _resources_url(query),
        "rules_url": _rules_url(query),
        "lines_url": lines_of_query(replace(query, currency=found.currency)),
        "before_url": links_of(asked, found, None).before(None),
    }


def _chips(asked: Asked, offered: Mapping[str, Sequence[tuple[str, str]]]) -> list[Chip]:
    labels = {(name, value): label for name, pairs in offered.items() for value, label in pairs}
    query = asked.query
    return [
        Chip(
            dimension_label(name),
            labels.get((name, value), value),
            asked.url(replace(query, filters=tuple(pair for pair in query.filters if pair != (name, value)))),
        )
        for name, value in query.filters
    ]


def _resources_url(query: CostQuery) -> str:
    """The resources behind these costs; empty where the list cannot be narrowed the same way."""
    if any(name not in RESOURCE_FILTERS for name, _ in query.filters):
        return ""
    if any(len(query.values_of(name)) > 1 for name in RESOURCE_FILTERS):
        return ""
    pairs = [("period", str(query.last)), ("basis", query.metric.value), *query.filters]
    return f"{reverse('tagging:resources')}?{urlencode(pairs)}"


def _rules_url(query: CostQuery) -> str:
    """The rules behind the last month of one team's costs (or of nobody's); else empty."""
    teams = query.values_of("team")
    if len(teams) != 1:
        return ""
    pairs = [("period", str(query.last)), ("basis", query.metric.value)]
    pairs += [pair for pair in query.filters if pair[0] != "team"]
    try:
        place = why_path(teams[0])
    except NoReverseMatch:  # no team has such a key
        return ""
    return "" if "?" in place else with_params(place, pairs)  # a cost centre has no page of its own


def _widths_for(query: CostQuery) -> tuple[Granularity, ...]:
    """Widths that make sense: no days over more than a quarter."""
    return tuple(per for per in Granularity if per is not Granularity.DAY or len(query.periods) <= MONTHS_BY_DAY)


def _width_url(asked: Asked, per: Granularity) -> str:
    wider = replace(asked, chosen_width=True)
    return wider.url(replace(asked.query, granularity=per))


def _top(params: QueryDict) -> int:
    text = params.get("top", "").strip()
    if not text:
        return CostQuery.top
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_TOP:
        raise InvalidRequestError(f"'{text}' is not a number of rows to draw. Use 1 to {MAX_TOP}.")
    return int(text)
