"""The lines of the bill behind any figure, page by page with a cursor, or all of them streamed as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from costs.api_base import (
    Answer,
    CsvRenderer,
    CurrencyText,
    MoneyText,
    Page,
    PageSerializer,
    PairsField,
    ParameterError,
    Parameters,
    PeriodText,
    api_scope,
    choice,
    month,
    text,
)
from costs.errors import InvalidRequestError
from costs.exports import ExportColumn, csv_lines
from costs.line_filters import SORTS, Order, parse_order
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import DIMENSIONS, MAX_MONTHS, parse_query
from costs.scope import Scope
from costs.selectors import BillLine, LinePlace, fields_from, place_of, place_text, read_place
from costs.terms import CostMetric
from tagging import selectors
from tagging.api.base import BASIS, CURRENCY, FILTERS, PERIOD, OwnershipList, default_period
from tagging.selectors import LinesAsked, LinesBehind
from tagging.selectors.lines import LINE_FILTER_NAMES

MANY = tuple(
    name for name in LINE_FILTER_NAMES if name not in {"day", "until", "decision", "taggable", "text", "closed"}
)
MORE = (
    text("day", "Only lines that count on this day, YYYY-MM-DD; the first day where `until` is given."),
    text("until", "The last day, inclusive."),
    text("text", "Only lines with this text in resource, usage type, operation or description."),
    choice("taggable", ("yes", "no"), "Only lines that can carry tags, or only those that cannot."),
    choice("closed", ("yes", "no"), "Closed months from the bills they were closed on; `no` reads those in force."),
    text("decision", "Only lines that one rule's match decided: its reference on the page of reasons."),
    *(
        text(
            name, f"Only this {LINE_FILTER_NAMES[name].lower()}; may be repeated. `(none)` is what has none.", many=True
        )
        for name in MANY
    ),
)


class LineSerializer(serializers.Serializer[Any]):
    """One line of the bill, as it is kept."""

    charge_period_start = serializers.DateTimeField()
    charge_period_end = serializers.DateTimeField()
    charge_date = serializers.DateField(help_text="The day it counts on, within its month.")
    billing_account_id = serializers.CharField()
    sub_account_id = serializers.CharField()
    sub_account_name = serializers.CharField()
    service_name = serializers.CharField()
    service_code = serializers.CharField()
    usage_type = serializers.CharField()
    operation = serializers.CharField()
    region_id = serializers.CharField()
    availability_zone = serializers.CharField()
    resource_id = serializers.CharField()
    instance_type = serializers.CharField()
    charge_category = serializers.CharField()
    line_kind = serializers.CharField()
    pricing_category = serializers.CharField()
    commitment_discount_id = serializers.CharField()
    commitment_discount_status = serializers.CharField()
    charge_description = serializers.CharField()
    consumed_quantity = serializers.FloatField()
    pricing_unit = serializers.CharField()
    invoice_id = serializers.CharField(help_text="Empty until the line is invoiced.")
    billed_cost = MoneyText()
    effective_cost = MoneyText()
    list_cost = MoneyText()
    contracted_cost = MoneyText()
    unblended_cost = MoneyText()
    tags = PairsField()
    basis = serializers.CharField(help_text="The cost basis lines are sorted by where `sort` is `cost`.")
    currency = CurrencyText()


class LinePageSerializer(PageSerializer):
    """Lines with their sums."""

    first_period = PeriodText(source="first", help_text="First month, inclusive.")
    last_period = PeriodText(source="last", help_text="Last month, inclusive.")
    basis = serializers.CharField()
    currency = CurrencyText()
    other_currencies = serializers.ListField(child=serializers.CharField())
    count = serializers.IntegerField(help_text="Of all pages.")
    total_cost = MoneyText(help_text="Of all pages on the basis, with every digit of the lines.")
    figure_cost = MoneyText(
        allow_null=True,
        help_text="What pages show for the same question; null where only lines can answer it. It differs from"
        " `total_cost` by `rounding_cost` at the tenth decimal.",
    )
    rounding_cost = MoneyText()
    billed_cost = MoneyText()
    effective_cost = MoneyText()
    list_cost = MoneyText()
    contracted_cost = MoneyText()
    unblended_cost = MoneyText()
    results = LineSerializer(many=True)


@dataclass(frozen=True)
class LinesAnswer(Answer):
    """The head of the answer with what its pages are read from."""

    found: LinesBehind | None = None
    sort: Order = field(default_factory=Order)


class LineList(OwnershipList):
    """The lines of the bill behind any figure, within your own slices: the question is that of `costs/` with more
    filters. Any tag filters too: `tag:department=payments`, repeatable. Pages lead on with `next`; CSV is streamed
    whole.
    """

    operation, title, section = "lines", "Lines of the bill", "Costs"
    serializer_class = LinePageSerializer
    takes_tags = True
    parameters = (
        month("from", f"First month, YYYY-MM. At most {MAX_MONTHS} months."),
        month("to", "Last month, inclusive."),
        PERIOD,
        BASIS,
        CURRENCY,
        text("sort", f"{', '.join(SORTS)}; with `-` in front falling.", default="charge_period_start"),
        *FILTERS,
        *MORE,
    )

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        parameters = self.read_parameters(request)
        is_paged = "page_size" in parameters or "cursor" in parameters
        if is_paged or not isinstance(request.accepted_renderer, CsvRenderer):
            return super().get(request, *args, **kwargs)
        tag, unchanged = self.conditional(request)
        if unchanged is not None:
            return unchanged
        answer = self.answer(api_scope(request), parameters)
        response = StreamingHttpResponse(_whole(answer), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="lines.csv"'
        if tag:
            response.headers["ETag"] = tag
        return response

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> LinesAnswer:
        asked = lines_asked(scope, parameters)
        sort = parameters.read("sort", parse_order, Order())
        found = selectors.lines_behind(scope, asked)
        beside = {"basis": asked.query.metric.value, "currency": found.currency}
        head = {
            "first": asked.query.first,
            "last": asked.query.last,
            "other_currencies": found.other_currencies,
            "count": found.sums.count,
            "total_cost": found.total,
            "figure_cost": found.figure,
            "rounding_cost": found.rounding if found.figure is not None else ZERO,
            **{metric.column: cost for metric, cost in found.sums.costs.items()},
            **beside,
        }
        return LinesAnswer(head, (), lambda _: (), beside, found=found, sort=sort)

    def page(self, answer: Answer, parameters: Parameters, size: int, *, whole: bool) -> Page:
        assert isinstance(answer, LinesAnswer)
        assert answer.found is not None
        found, order = answer.found, answer.sort
        place, past = _place(parameters)
        if place is None:
            lines = selectors.lines_page(found, order=order, limit=size)
        else:
            lines = selectors.lines_after_place(found, place, order=order, limit=size)
        past += len(lines)
        is_more = bool(lines) and past < found.sums.count
        metric = found.asked.query.metric
        cursor = place_text(place_of(lines, place, order=order, metric=metric), past) if is_more else ""
        return Page([_row(line) for line in lines], next_cursor=cursor)

    def csv_columns(self, answer: Answer) -> list[str]:
        return fields_from(CostMetric(answer.head["basis"]))

    def csv_row(self, row: dict[str, Any], answer: Answer) -> dict[str, Any]:
        return {name: row[name] for name in self.csv_columns(answer)}


def lines_asked(scope: Scope, parameters: Parameters) -> LinesAsked:
    """The question, every part checked under its own name first."""
    first, last, one = (parameters.period(name) for name in ("from", "to", "period"))
    parameters.currency()
    latest = last or one or _newest(scope, first)
    query = parse_query({name: parameters.values.get(name, ()) for name in _COSTS} | _tags(parameters), latest=latest)
    return LinesAsked(query, tuple(pair for pair in parameters.filters(LINE_FILTER_NAMES) if ":" not in pair[0]))


_COSTS = ("from", "to", "period", "basis", "currency", *DIMENSIONS)


def _tags(parameters: Parameters) -> dict[str, Any]:
    return {name: values for name, values in parameters.values.items() if ":" in name}


def _newest(scope: Scope, first: BillingPeriod | None) -> BillingPeriod:
    latest = default_period(scope)
    return max(latest, first) if first else latest


def _place(parameters: Parameters) -> tuple[LinePlace | None, int]:
    if "cursor" not in parameters:
        return None, 0
    try:
        return read_place(parameters.one("cursor"))
    except InvalidRequestError as error:
        raise ParameterError("cursor", str(error)) from error


def _row(line: BillLine) -> dict[str, Any]:
    return {**vars(line), "tags": line.tags}


def _whole(answer: LinesAnswer) -> Iterator[str]:
    assert answer.found is not None
    names = [ExportColumn(name) for name in fields_from(answer.found.asked.query.metric)]
    yield from csv_lines((), names, ())
    yield from selectors.lines_as_csv(answer.found, order=answer.sort)
