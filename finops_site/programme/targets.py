"""Success metrics by month: what was aimed at and what was measured, side by side. No clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs.periods import BillingPeriod
from finops_site.metrics.terms import Metric
from finops_site.programme.progress import Readings, since_start

MONTHS_SHOWN = 6
LATEST_FIRST_DAY = 15


@dataclass(frozen=True)
class Aim:
    """A metric's target from a month of the programme on (1 is the first)."""

    metric: Metric
    month_number: int
    value: Decimal


@dataclass(frozen=True)
class Cell:
    """One metric in one month. `target` holds since the last month that has one; `actual` is None when there is
    nothing to divide by (`is_measured`) or nothing was measured yet."""

    period: BillingPeriod
    target: Decimal | None
    actual: Decimal | None
    is_measured: bool
    is_ahead: bool
    tone: str


@dataclass(frozen=True)
class MetricRow:
    """One metric over the months of the programme."""

    metric: Metric
    cells: tuple[Cell, ...]


def programme_months(starts_on: date, count: int = MONTHS_SHOWN) -> tuple[BillingPeriod, ...]:
    """Calendar months of the programme. Month 1 is that of the start, or the next where it starts past the 15th."""
    first = BillingPeriod.of(starts_on)
    periods = [first if starts_on.day <= LATEST_FIRST_DAY else first.next()]
    while len(periods) < count:
        periods.append(periods[-1].next())
    return tuple(periods)


def metric_rows(
    metrics: Sequence[Metric], aims: Sequence[Aim], *, readings: Readings, starts_on: date, today: date
) -> tuple[MetricRow, ...]:
    """Each metric with its months; of summed metrics the sum since the start."""
    periods = programme_months(starts_on, max([MONTHS_SHOWN, *(aim.month_number for aim in aims)]))
    rows = []
    for metric in metrics:
        own = {aim.month_number: aim.value for aim in aims if aim.metric is metric}
        known = since_start(metric, readings, starts_on=starts_on, today=today)
        months = readings.get(metric, {})
        rows.append(MetricRow(metric, tuple(_cells(metric, periods, own, known, months, today))))
    return tuple(rows)


def _cells(
    metric: Metric,
    periods: Sequence[BillingPeriod],
    own: Mapping[int, Decimal],
    known: Mapping[BillingPeriod, Decimal],
    months: Mapping[BillingPeriod, Decimal | None],
    today: date,
) -> list[Cell]:
    cells, target = [], None
    for number, period in enumerate(periods, start=1):
        target = own.get(number, target)
        actual = known.get(period)
        cells.append(
            Cell(
                period=period,
                target=target,
                actual=actual,
                is_measured=period in months,
                is_ahead=period > BillingPeriod.of(today),
                tone=_tone(metric, actual, target, is_open=period >= BillingPeriod.of(today)),
            )
        )
    return cells


def _tone(metric: Metric, actual: Decimal | None, target: Decimal | None, *, is_open: bool) -> str:
    """Good on the target's side of it; else bad once the month is over, and before a warning."""
    if actual is None or target is None:
        return ""
    if actual <= target if metric.smaller_is_better else actual >= target:
        return "good"
    return "warn" if is_open else "bad"
