"""From any figure to its lines: which lines are behind it, that they add up to it, and one page of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from django.db.models import Sum

from costs import selectors as intake
from costs.errors import InvalidRequestError
from costs.line_filters import Condition, Order
from costs.money import QUANTUM, ZERO
from costs.periods import DateRange
from costs.queries import NOT_SET, CostQuery, tag_key_of
from costs.reading import read_once
from costs.scope import Scope
from costs.selectors import BillLine, LinePlace, LineQuestion, LineSums
from tagging.selectors.line_reach import as_closed, reach_of_versions, with_open_pools, yes_or_no
from tagging.selectors.reach import Reach, reach
from tagging.selectors.sums import (
    BY_SLICE,
    EVERYTHING,
    Ask,
    allocated_slices,
    cut_rows,
    owned_rows,
    total,
    untracked_keys,
)
from tagging.selectors.why import ask_with_decision

Filters = tuple[tuple[str, str], ...]

# What lines can be asked for beyond the dimensions of costs: name in addresses → field of lines.
LINE_FILTERS = {
    "resource": "resource_id",
    "instance": "instance_type",
    "operation": "operation",
    "kind": "line_kind",
    "pricing": "pricing_category",
    "commitment": "commitment_discount_id",
    "status": "commitment_discount_status",
    "invoice": "invoice_id",
    "payer": "billing_account_id",
    "description": "charge_description",
}
LINE_FILTER_NAMES = {
    "resource": "Resource",
    "instance": "Instance type",
    "operation": "Operation",
    "kind": "Line kind",
    "pricing": "Pricing",
    "commitment": "Commitment",
    "status": "Commitment status",
    "invoice": "Invoice",
    "payer": "Payer",
    "description": "Description",
    "text": "Text",
    "day": "Day",
    "until": "Until",
    "decision": "Rule",
    "source": "Source",
    "version": "Import",
    "closed": "As closed",
    "ce_service": "Cost Explorer service",
    "ce_type": "Cost Explorer charge type",
    "taggable": "Taggable",
}
# Dimensions that a line itself holds as its slice does.
_ON_LINES = {
    "service": "service_name",
    "account": "sub_account_id",
    "region": "region_id",
    "category": "charge_category",
    "usage_type": "usage_type",
}
_ON_SLICES = ("operation", "kind", "pricing", "status", "payer")
_OF_SLICES = (*_ON_SLICES, "taggable", "decision")


@dataclass(frozen=True)
class LinesAsked:
    """What lines are wanted: a question about costs, narrowed by (name of `LINE_FILTER_NAMES`, value)."""

    query: CostQuery
    more: Filters = ()

    def values_of(self, name: str) -> tuple[str, ...]:
        """The values asked for under one name beyond the dimensions."""
        return tuple(value for other, value in self.more if other == name)


@dataclass(frozen=True)
class LinesBehind:
    """The lines behind a figure, within the reader's scope.

    `figure` is what pages show for the same question, from the rollups; None where only lines can answer it. The lines'
    exact sum and `rounding` (what was placed at the tenth decimal when the month was loaded) add up to it.
    """

    asked: LinesAsked
    currency: str
    other_currencies: tuple[str, ...]
    sums: LineSums
    figure: Decimal | None
    question: LineQuestion

    @property
    def total(self) -> Decimal:
        """The exact sum of the lines on the basis asked for."""
        return self.sums.costs[self.asked.query.metric]

    @property
    def rounding(self) -> Decimal:
        """Figure − lines; zero where there is no figure to compare with."""
        return ZERO if self.figure is None else self.figure - self.total

    @property
    def ties_out(self) -> bool:
        """Whether what is between the figure and its lines is rounding and nothing else: 1e-10 a line at most."""
        return abs(self.rounding) <= QUANTUM * self.sums.count


def lines_behind(scope: Scope, asked: LinesAsked) -> LinesBehind:
    """What is behind a figure. Raises NotFoundInScopeError and InvalidRequestError."""
    found = _reach(scope, asked)
    ask = _ask(found, asked)
    question = read_once(("lines asked for", scope, asked), lambda: _question(ask, asked))
    return LinesBehind(
        asked=asked,
        currency=found.currency,
        other_currencies=found.other_currencies,
        sums=intake.line_sums(EVERYTHING, question),
        figure=_figure(ask, asked),
        question=question,
    )


def lines_page(found: LinesBehind, *, order: Order, limit: int, offset: int = 0) -> tuple[BillLine, ...]:
    """Lines in order; `offset` up to `costs.selectors.DEEPEST_LINE`, deeper ones by `lines_after_place`."""
    metric = found.asked.query.metric
    return intake.lines_at(EVERYTHING, found.question, order=order, metric=metric, limit=limit, offset=offset)


def lines_after_place(found: LinesBehind, place: LinePlace, *, order: Order, limit: int) -> tuple[BillLine, ...]:
    """Lines after a place."""
    metric = found.asked.query.metric
    return intake.lines_after(EVERYTHING, found.question, place, order=order, metric=metric, limit=limit)


def lines_as_rows(found: LinesBehind, *, order: Order, limit: int) -> Iterator[BillLine]:
    """The first lines in order, for a workbook."""
    metric = found.asked.query.metric
    return intake.line_rows(EVERYTHING, found.question, order=order, metric=metric, limit=limit)


def lines_as_csv(found: LinesBehind, *, order: Order) -> Iterator[str]:
    """The rows of a CSV file, streamed."""
    return intake.line_csv(EVERYTHING, found.question, order=order, metric=found.asked.query.metric)


def write_lines_parquet(found: LinesBehind, target: Path, *, order: Order) -> None:
    """All lines as a Parquet file."""
    metric = found.asked.query.metric
    intake.write_line_parquet(EVERYTHING, found.question, target, order=order, metric=metric)


def _reach(scope: Scope, asked: LinesAsked) -> Reach:
    query, versions = asked.query, asked.values_of("version")
    if versions:
        return reach_of_versions(scope, query.periods, versions, query.currency)
    found = reach(scope, query.periods, query.currency)
    eyes = with_open_pools(scope, query.periods, found.currency, query.values_of("team"))
    if eyes != scope:
        found = reach(eyes, query.periods, found.currency)
    if yes_or_no(next(iter(asked.values_of("closed")), "no"), "the month as it was closed"):
        found = as_closed(found, query.periods)
    wanted = asked.values_of("source")
    if not wanted:
        return found
    scope.require_everything()
    return replace(found, imports=tuple(item for item in found.imports if item.source_name in wanted))


def _ask(found: Reach, asked: LinesAsked) -> Ask:
    """The question as the rollups and owners know it: without what only lines know."""
    on_slices = tuple(
        (name, str(yes_or_no(value, "whether lines are taggable")) if name == "taggable" else value)
        for name, value in asked.more
        if name in _OF_SLICES
    )
    return replace(ask_with_decision(found, asked.query.metric, (*asked.query.filters, *on_slices)), days=_days(asked))


def _question(ask: Ask, asked: LinesAsked) -> LineQuestion:
    untracked = untracked_keys(ask.reach, {name for name, _ in ask.filters})
    stored = tuple(pair for pair in ask.filters if tag_key_of(pair[0]) not in untracked)
    fields = {**_ON_LINES, **LINE_FILTERS}
    pairs = [*asked.query.filters, *asked.more]
    conditions = [_condition(fields[name], _values(pairs, name)) for name in fields if _values(pairs, name)]
    conditions += [_condition(f"tag:{key}", _tag_values(pairs, key)) for key in sorted(untracked)]
    conditions += [Condition("text", "~", (text,)) for text in asked.values_of("text")]
    names = {name for name, _ in stored}
    is_by_owner = not ask.reach.scope.everything or not names <= {*_ON_LINES, *_ON_SLICES}
    return LineQuestion(
        items=ask.reach.imports,
        slice_keys=allocated_slices(replace(ask, filters=stored)) if is_by_owner else None,
        conditions=tuple(conditions),
        days=ask.days,
        combinations=_combinations(ask.reach, asked),
    )


def _combinations(found: Reach, asked: LinesAsked) -> tuple[str, ...] | None:
    """What lines of Cost Explorer's groups have in common; None where none is asked for."""
    services, types = asked.values_of("ce_service"), asked.values_of("ce_type")
    if not services and not types:
        return None
    return intake.ce_combinations(EVERYTHING, found.imports, services=services, types=types)


def _condition(field: str, values: tuple[str, ...]) -> Condition:
    return Condition(field, "=", tuple("" if value == NOT_SET else value for value in values))


def _values(pairs: list[tuple[str, str]], name: str) -> tuple[str, ...]:
    return tuple(value for other, value in pairs if other == name)


def _tag_values(pairs: list[tuple[str, str]], key: str) -> tuple[str, ...]:
    return tuple(value for name, value in pairs if tag_key_of(name) == key)


def _figure(ask: Ask, asked: LinesAsked) -> Decimal | None:
    """What pages show for the question; None where a filter is known to lines only."""
    if untracked_keys(ask.reach, {name for name, _ in ask.filters}):
        return None
    beyond = {name for name, _ in asked.more} - {*_OF_SLICES, "day", "until", "source", "closed"}
    if "version" in beyond:
        return _version_figure(ask, asked)
    if not ask.reach.imports:
        return None if beyond else ZERO
    if not beyond:
        return total(ask)
    is_resource = beyond == {"resource"} and NOT_SET not in asked.values_of("resource") and ask.days is None
    return _resource_figure(ask, asked) if is_resource else None


def _version_figure(ask: Ask, asked: LinesAsked) -> Decimal | None:
    """What pages of imports and bills show; rollups of a replaced version are gone, its totals are kept."""
    if ask.days is not None or {name for name, _ in asked.more} != {"version"}:
        return None
    if not {name for name, _ in asked.query.filters} <= {"category"}:
        return None
    categories = asked.query.values_of("category")
    return intake.import_totals(EVERYTHING, ask.reach.import_pks, metric=ask.metric, categories=categories)


def _resource_figure(ask: Ask, asked: LinesAsked) -> Decimal:
    """The month of resources, as pages of resources show it."""
    keys = intake.resource_keys_of(EVERYTHING, asked.values_of("resource"))
    rows = owned_rows(ask.reach, intake.resource_costs(EVERYTHING, ask.reach.import_pks)).filter(resource_id__in=keys)
    rows = cut_rows(rows, ask, BY_SLICE)
    found: Decimal | None = rows.order_by().aggregate(cost=Sum(ask.metric.column))["cost"]
    return found or ZERO


def _days(asked: LinesAsked) -> DateRange | None:
    first, last = (_day(asked, name) for name in ("day", "until"))
    if first is None and last is None:
        return None
    start = first or asked.query.days.start
    end = (last or first or start) + timedelta(days=1)
    if end <= start:
        raise InvalidRequestError(f"The days start ({start}) after they end ({last}). Swap them.")
    return DateRange(start, end)


def _day(asked: LinesAsked, name: str) -> date | None:
    text = next(iter(asked.values_of(name)), "")
    try:
        day = date.fromisoformat(text) if text else None
        if day == date.max:  # there is no day after it
            raise ValueError(text)
    except ValueError as error:
        raise InvalidRequestError(f"'{text}' is not a day. Write it as YYYY-MM-DD, like 2025-11-03.") from error
    return day
