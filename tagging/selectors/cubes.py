"""Costs by several dimensions at once: two sums for a whole page."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

from django.db.models import Q, Sum

from costs.errors import InvalidRequestError
from costs.money import ZERO
from costs.queries import NOT_SET, CostQuery, tag_key_of
from costs.scope import Scope
from tagging.cubes import Cell, CostCube, CostPivot, pivot_of
from tagging.selectors.explore import ask_of, spans_of
from tagging.selectors.held import rows_of_team
from tagging.selectors.labels import labels
from tagging.selectors.reach import reach
from tagging.selectors.sums import (
    BY_SLICE,
    PRE_SUMMED,
    Ask,
    by_import,
    cells_of_lines,
    column_of,
    pre_summed_rows,
    slice_rows,
    untracked_keys,
)

Sums = dict[tuple[str, ...], Decimal]  # by one value per dimension, '' for none


def cost_cube(scope: Scope, query: CostQuery, dimensions: Sequence[str]) -> CostCube:
    """The last month of `query`, filtered as it says, by these dimensions, and like for like the month before.

    Dimensions must be ones that slices carry: InvalidRequestError names a tag key that is not tracked.
    """
    period, before = query.last, query.last.previous()
    found = reach(scope, (before, period), query.currency)
    spans, months = spans_of(found, period, period), found.period_of()
    compared = Q(charge_date__gte=spans.now.start) | Q(charge_date__lt=spans.before.end)
    ask = Ask(found, query.metric, query.filters)
    # Which tags a reader may know of changes without a bill, so what is asked of them is always read.
    of_tags = any(tag_key_of(name) for name in (*dimensions, *(name for name, _ in query.filters)))
    asked = ("cube", query.metric, query.filters, tuple(dimensions), spans.now.start, spans.before.end)
    read = partial(_sums_by_import, ask, dimensions, compared)
    rows = tuple(read()) if of_tags else rows_of_team(found, asked, lambda: tuple(read()))
    now, earlier = Sums(), Sums()
    for (import_pk, values), cost in rows:
        sums = now if months[import_pk] == period else earlier
        sums[values] = sums.get(values, ZERO) + cost
    keys = {*now, *earlier}
    return CostCube(
        period=period,
        metric=query.metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        day_count=(spans.now.end - spans.now.start).days,
        is_whole_month=spans.is_whole,
        dimensions=tuple(dimensions),
        names={name: labels(scope, name, {key[at] for key in keys} | {""}) for at, name in enumerate(dimensions)},
        cells=tuple(Cell(key, now.get(key, ZERO), earlier.get(key, ZERO)) for key in sorted(keys)),
    )


def cell_sums(ask: Ask, dimensions: Sequence[str]) -> Sums:
    """Costs by values of several dimensions, '' for none; tags that slices do not carry come from the lines."""
    sums = Sums()
    on_lines = untracked_keys(ask.reach, {*dimensions, *(name for name, _ in ask.filters)})
    for (_, values), cost in _sums_of_lines(ask, dimensions) if on_lines else _sums_by_import(ask, dimensions):
        sums[values] = sums.get(values, ZERO) + cost
    return sums


def _sums_of_lines(ask: Ask, dimensions: Sequence[str]) -> Iterator[tuple[tuple[int, tuple[str, ...]], Decimal]]:
    for import_pk, one in by_import(ask):
        for (values, _), cost in cells_of_lines(one, dimensions).items():
            yield (import_pk, values), cost


def _sums_by_import(
    ask: Ask, dimensions: Sequence[str], days: Q | None = None
) -> Iterator[tuple[tuple[int, tuple[str, ...]], Decimal]]:
    if not ask.reach.imports:
        return
    names = {*dimensions, *(name for name, _ in ask.filters)}
    if missing := untracked_keys(ask.reach, names):
        raise InvalidRequestError(
            f"{', '.join(sorted(missing))} is not a tracked tag. Group by it alone, or add it to the tag policy."
        )
    is_small = names <= PRE_SUMMED.keys()
    rows, columns = (pre_summed_rows(ask), PRE_SUMMED) if is_small else (slice_rows(ask), BY_SLICE)
    places = {f"value_{at}": column_of(ask.reach, name, columns) for at, name in enumerate(dimensions)}
    wanted = rows if days is None else rows.filter(days)
    found = (
        wanted.annotate(**places)
        .order_by()
        .values_list("bill_import_id", *places)
        .annotate(cost=Sum(ask.metric.column))
    )
    for row in found:
        yield (row[0], tuple(value or "" for value in row[1:-1])), row[-1]


def filter_values(scope: Scope, query: CostQuery, dimensions: Sequence[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """For each dimension the (value, label) pairs a filter can offer: only values in the reader's own costs."""
    found = reach(scope, query.periods, query.currency)
    combinations = cell_sums(Ask(found, query.metric), dimensions)
    offered = {}
    for at, name in enumerate(dimensions):
        values = {key[at] for key in combinations}
        names = labels(scope, name, values)
        known = sorted(((value, names[value]) for value in values if value), key=lambda pair: pair[1].casefold())
        offered[name] = (*known, *([(NOT_SET, names[""])] if "" in values else []))
    return offered


def cost_pivot(scope: Scope, query: CostQuery, then_by: str, *, top: int) -> CostPivot:
    """The question's rows (by `query.group_by`) cut by a second dimension: its `top` values, Other, and none.

    Every row's amounts sum to the row, every column's to the column's total.
    """
    found = reach(scope, query.periods, query.currency)
    cells = cell_sums(ask_of(found, query.periods, query), (query.group_by, then_by))
    names = labels(scope, then_by, {key[1] for key in cells} | {""})
    return pivot_of(cells, names, top=top)
