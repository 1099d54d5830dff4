"""Series of costs: buckets without gaps, top N plus Other that add up, change against before."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal

from costs.money import EXACT, QUANTUM, ZERO, ratio, to_units
from costs.periods import BillingPeriod, DateRange
from costs.queries import Granularity

OTHER = "Other"


@dataclass(frozen=True)
class Change:
    """Now minus before, and that by before; `ratio` is None where before was zero."""

    amount: Decimal
    ratio: Decimal | None


@dataclass(frozen=True)
class Line:
    """A named series; `key` is what a link filters by, empty for the sum of the others."""

    key: str
    label: str
    points: tuple[Decimal, ...]

    @property
    def total(self) -> Decimal:
        return sum(self.points, ZERO)


def change(now: Decimal, before: Decimal) -> Change:
    """How much a figure rose (positive) or fell; relative to the size of what was before."""
    return Change(now - before, ratio(now - before, abs(before)))


def bucket_starts(days: DateRange, granularity: Granularity) -> tuple[date, ...]:
    """First day of every bucket of the range, in order and without gaps; the first may be cut short."""
    if granularity is Granularity.DAY:
        return tuple(days.days())
    starts, day = [], days.start
    while day < days.end:
        starts.append(day)
        day = _next_start(day, granularity)
    return tuple(starts)


def fill(costs: Mapping[date, Decimal], starts: Sequence[date]) -> tuple[Decimal, ...]:
    """Costs by day (or by first day of a bucket) as one amount per bucket, zero where there is none."""
    points = [ZERO] * len(starts)
    for day, cost in costs.items():
        points[max(0, bisect_right(starts, day) - 1)] += cost
    return tuple(points)


def top_and_other(lines: Sequence[Line], limit: int) -> tuple[Line, ...]:
    """The `limit` largest lines, costs or credits, and one called Other for the rest; everywhere they sum to the input.

    With at most `limit` lines, or one more, there is no Other: a single line is never hidden in it.
    """
    ranked = sorted(lines, key=lambda line: (-line.total, line.label))
    if len(ranked) <= limit + 1:
        return tuple(ranked)
    largest = {line.key for line in sorted(lines, key=lambda line: (-abs(line.total), line.label))[:limit]}
    kept = [line for line in ranked if line.key in largest]
    rest = [line for line in ranked if line.key not in largest]
    points = tuple(sum(column, ZERO) for column in zip(*(line.points for line in rest), strict=True))
    return (*kept, Line("", f"{OTHER} ({len(rest)})", points))


def fit_to_total(amounts: Sequence[Decimal], total: Decimal) -> list[Decimal]:
    """Amounts to the ten decimals that are stored, placed by largest remainder so that they sum to `total`.

    Only rounding is placed: amounts that miss the total by more than one last digit each keep their own
    rounded values, so that a real difference stays visible.
    """
    floors = [amount.quantize(QUANTUM, rounding=ROUND_FLOOR, context=EXACT) for amount in amounts]
    missing = to_units(total - sum(floors, ZERO))
    if not 0 <= missing <= len(floors):
        return [amount.quantize(QUANTUM, context=EXACT) for amount in amounts]
    if not missing:
        return floors
    order = sorted(range(len(floors)), key=lambda i: (floors[i] - amounts[i], -amounts[i], i))
    for index in order[:missing]:
        floors[index] += QUANTUM
    return floors


def _next_start(day: date, granularity: Granularity) -> date:
    if granularity is Granularity.MONTH:
        return BillingPeriod.of(day).end
    return day + timedelta(days=7 - day.weekday())
