"""Costs by any dimension over time, and what moved."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.queries import NOT_SET, CostQuery, Granularity
from costs.reading import read_once
from costs.scope import Scope
from costs.series import bucket_starts, change, fill
from costs.terms import CostMetric
from tagging.results import CostRow, CostTable, Mover, Movers
from tagging.selectors.labels import labels
from tagging.selectors.reach import Reach, last_day_of, reach
from tagging.selectors.sums import Ask, Cells, sums


@dataclass(frozen=True)
class Spans:
    """The days compared: now and before, half open. `is_whole` unless the last month is not full yet."""

    now: DateRange
    before: DateRange
    is_whole: bool


def explore_costs(scope: Scope, query: CostQuery, *, compare: bool = True) -> CostTable:
    """Answer a cost query from what the reader may see; empty rows where there is nothing.

    Compared like for like with as many months just before, up to the same day of the last of them where the
    question's last month is not full yet (see `movers`); nothing is compared where one of the months has no
    costs. Without `compare` every `previous_cost` is zero, which spares two queries.
    """
    before = query.previous()
    found = reach(scope, (*before.periods, *query.periods), query.currency)
    by_day = query.granularity is not Granularity.MONTH
    current = sums(ask_of(found, query.periods, query), query.group_by, by_day=by_day)
    earlier: Cells = {}
    not_covered = _not_covered(found, before, query) if compare else ()
    spans = spans_of(found, query.first, query.last) if compare and not not_covered else None
    if spans:
        earlier = sums(ask_of(found, before.periods, query, spans.before), query.group_by)
    points = _points(found, current)
    previous = _totals(earlier)
    starts = bucket_starts(query.days, query.granularity)
    names = labels(scope, query.group_by, {*points, *previous})
    rows = [_row(value, names, fill(points.get(value, {}), starts), previous) for value in {*points, *previous}]
    return CostTable(
        query=replace(query, currency=found.currency),
        currency=found.currency,
        other_currencies=found.other_currencies,
        bucket_starts=starts,
        rows=tuple(sorted(rows, key=lambda row: (row.is_missing, -row.cost, -row.previous_cost, row.label))),
        total=sum((row.cost for row in rows), ZERO),
        previous_total=sum(previous.values(), ZERO),
        compared=spans.before if spans else None,
        not_covered=not_covered,
    )


def movers(
    scope: Scope, period: BillingPeriod, *, by: str, metric: CostMetric, currency: str = "", limit: int = 10
) -> Movers:
    """The values of a dimension that changed most against the month before, like for like.

    The newest month with costs is compared up to the last day it has costs for; the month before up to
    the same day. Values that did not change are left out.
    """
    query = CostQuery(period, period, group_by=by, metric=metric)
    found = reach(scope, (period.previous(), period), currency)
    spans = spans_of(found, period, period)
    current = _totals(sums(ask_of(found, (period,), query), by))
    previous = _totals(sums(ask_of(found, (period.previous(),), query, spans.before), by))
    names = labels(scope, by, {*current, *previous})
    rows = [
        _mover(value, names, current.get(value, ZERO), previous.get(value, ZERO)) for value in {*current, *previous}
    ]
    moved = sorted((row for row in rows if row.change), key=lambda row: (-abs(row.change), row.label))
    return Movers(
        period=period,
        previous=period.previous(),
        by=by,
        metric=metric,
        currency=found.currency,
        day_count=(spans.now.end - spans.now.start).days,
        is_whole_month=spans.is_whole,
        total=sum(current.values(), ZERO),
        previous_total=sum(previous.values(), ZERO),
        rows=tuple(moved[:limit]),
    )


def filter_choices(scope: Scope, query: CostQuery, dimension: str) -> tuple[tuple[str, str], ...]:
    """(value, label) pairs a filter on this dimension can offer: only values in the reader's own costs."""
    found = reach(scope, query.periods, query.currency)
    values = {value for value, _, _ in sums(Ask(found, query.metric), dimension)}
    names = labels(scope, dimension, values)
    known = sorted(((value, names[value]) for value in values if value), key=lambda pair: pair[1].casefold())
    return (*known, *([(NOT_SET, names[""])] if "" in values else []))


def ask_of(found: Reach, periods: tuple[BillingPeriod, ...], query: CostQuery, days: DateRange | None = None) -> Ask:
    return Ask(found.within(periods), query.metric, query.filters, days)


def spans_of(found: Reach, first: BillingPeriod, last: BillingPeriod) -> Spans:
    """These months and as many before.

    The last month, if it is the newest the reader has and not full yet, is cut at its last day with costs,
    and the last one before at the same day.
    """
    months = (last.start.year - first.start.year) * 12 + last.start.month - first.start.month + 1
    before_last = first.previous()
    before_start = before_last.back(months)[0].start
    end = _end_of_costs(found, last)
    if end == last.end:
        return Spans(DateRange(first.start, end), DateRange(before_start, before_last.end), is_whole=True)
    before_end = min(before_last.end, before_last.start + (end - last.start))
    return Spans(DateRange(first.start, end), DateRange(before_start, before_end), is_whole=False)


def _not_covered(found: Reach, before: CostQuery, query: CostQuery) -> tuple[BillingPeriod, ...]:
    """The months without costs, of those before and, where the question has several, of its own.

    A single month without costs is compared: it fell to nothing.
    """
    known = {item.period for item in found.imports}
    asked = query.periods if len(query.periods) > 1 else ()
    return tuple(period for period in (*before.periods, *asked) if period not in known)


def _end_of_costs(found: Reach, period: BillingPeriod) -> date:
    """The day after the reader's last costs in a month; the month's end where a later month has costs."""
    newer = reach(found.scope, None).imports
    if not newer or newer[-1].period > period:
        return period.end
    pks = found.within((period,)).import_pks
    last_day = read_once(("last day with costs", found.scope, pks), lambda: last_day_of(found.scope, pks))
    return period.end if last_day is None else last_day + timedelta(days=1)


def _points(found: Reach, cells: Cells) -> dict[str, dict[date, Decimal]]:
    months = {pk: period.start for pk, period in found.period_of().items()}
    points: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for (value, import_pk, day), cost in cells.items():
        points[value][day or months[import_pk]] += cost
    return points


def _totals(cells: Cells) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for (value, _, _), cost in cells.items():
        totals[value] += cost
    return dict(totals)


def _row(value: str, names: Mapping[str, str], points: tuple[Decimal, ...], previous: Mapping[str, Decimal]) -> CostRow:
    return CostRow(
        key=value or NOT_SET,
        label=names[value],
        cost=sum(points, ZERO),
        previous_cost=previous.get(value, ZERO),
        points=points,
        is_missing=not value,
    )


def _mover(value: str, names: Mapping[str, str], cost: Decimal, previous_cost: Decimal) -> Mover:
    moved = change(cost, previous_cost)
    return Mover(value or NOT_SET, names[value], cost, previous_cost, moved.amount, moved.ratio, is_missing=not value)
