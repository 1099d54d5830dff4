"""Costs by several dimensions at once: two sums for a whole page."""

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Sum

from costs.errors import InvalidRequestError
from costs.money import ZERO
from costs.queries import CostQuery
from costs.scope import Scope
from tagging.cubes import Cell, CostCube
from tagging.selectors.explore import ask_of, spans_of
from tagging.selectors.labels import labels
from tagging.selectors.reach import reach
from tagging.selectors.sums import BY_SLICE, PRE_SUMMED, Ask, column_of, pre_summed_rows, slice_rows, untracked_keys

Sums = dict[tuple[str, ...], Decimal]


def cost_cube(scope: Scope, query: CostQuery, dimensions: Sequence[str]) -> CostCube:
    """The last month of `query`, filtered as it says, by these dimensions, and like for like the month before.

    Dimensions must be ones that slices carry: InvalidRequestError names a tag key that is not tracked.
    """
    period, before = query.last, query.last.previous()
    found = reach(scope, (before, period), query.currency)
    spans = spans_of(found, period, period)
    now = cell_sums(ask_of(found, (period,), query), dimensions)
    earlier = cell_sums(ask_of(found, (before,), query, spans.before), dimensions)
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
    """Costs by values of several dimensions, '' for none."""
    if not ask.reach.imports:
        return {}
    names = {*dimensions, *(name for name, _ in ask.filters)}
    if missing := untracked_keys(ask.reach, names):
        raise InvalidRequestError(
            f"{', '.join(sorted(missing))} is not a tracked tag. Group by it alone, or add it to the tag policy."
        )
    is_small = names <= PRE_SUMMED.keys()
    rows, columns = (pre_summed_rows(ask), PRE_SUMMED) if is_small else (slice_rows(ask), BY_SLICE)
    places = [f"value_{at}" for at, _ in enumerate(dimensions)]
    found = (
        rows.annotate(
            **{place: column_of(ask.reach, name, columns) for place, name in zip(places, dimensions, strict=True)}
        )
        .order_by()
        .values_list(*places)
        .annotate(cost=Sum(ask.metric.column))
    )
    return {tuple(value or "" for value in row[:-1]): row[-1] for row in found}
