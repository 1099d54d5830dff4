"""Daily costs → what a period comes to, with a range. No clock: the last complete day is given.

The method follows the length of the history and is named in the answer (docs/algorithms/forecast.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from budgets.terms import ForecastMethod
from costs.money import ZERO, round_money
from costs.periods import BillingPeriod, DateRange

Z_80 = Decimal("1.2815515655")  # the normal distribution holds 80 % within ± this many deviations
MIN_DAYS, WEEKDAY_DAYS, TREND_DAYS = 7, 14, 60
WINDOW_DAYS = 28  # a step up or down is no trend any more after four weeks
TREND_AHEAD_DAYS = 28
SIGNIFICANT = 2  # standard errors a slope must stand above the noise
LUMP_FACTOR = 2
RECURRING = frozenset({"Purchase", "Tax"})

Amounts = Mapping[date, Decimal]


@dataclass(frozen=True)
class History:
    """Costs by day. Days from `first_day` to `complete_through` are complete (no row is no cost).

    Rows after that are known in part. `lumps` (fees, tax) are not averaged but expected on the day they
    fell in the month before.
    """

    daily: Amounts
    lumps: Amounts
    first_day: date
    complete_through: date

    @property
    def complete_days(self) -> int:
        return max(0, (self.complete_through - self.first_day).days + 1)

    def seen(self, day: date) -> Decimal:
        """All that is known of a day."""
        return self.daily.get(day, ZERO) + self.lumps.get(day, ZERO)


@dataclass(frozen=True)
class Step:
    """The sum of the period up to and with this day: expected, and the 80 % range around it."""

    day: date
    mean: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Forecast:
    """What the period comes to; None where the history is too short. `path` has the days still to come."""

    method: ForecastMethod
    mean: Decimal | None
    low: Decimal | None
    high: Decimal | None
    path: tuple[Step, ...] = ()


@dataclass(frozen=True)
class _Model:
    """Expected cost of a day, and the spread of what days were around it."""

    method: ForecastMethod
    means: tuple[Decimal, ...]  # by weekday, Monday first
    centres: tuple[Decimal, ...]  # mean day number by weekday
    slope: Decimal
    spread: Decimal
    last_day: date

    def expected(self, day: date) -> Decimal:
        """Never below zero; the trend is followed for four weeks and then kept."""
        ahead = min((day - self.last_day).days, TREND_AHEAD_DAYS)
        weekday = day.weekday()
        return max(ZERO, self.means[weekday] + self.slope * (Decimal(ahead) - self.centres[weekday]))


def make_forecast(history: History, span: DateRange) -> Forecast:
    """The period's total: complete days as they are, the others as the model expects, at least what is seen."""
    so_far = sum((history.seen(day) for day in span.days() if day <= history.complete_through), ZERO)
    ahead = [day for day in span.days() if day > history.complete_through]
    if not ahead:
        return Forecast(ForecastMethod.NONE, so_far, so_far, so_far)
    model = _fit(history)
    if model is None:
        return Forecast(ForecastMethod.NONE, None, None, None)
    path = _path(history, model, ahead, so_far)
    return Forecast(model.method, path[-1].mean, path[-1].low, path[-1].high, tuple(path))


def still_to_be_used(used: Amounts, unused: Amounts, last_day: date) -> Decimal:
    """What of the newest month's unused commitments its last days will still use; it must not count twice.

    A bill states a fee's unused part on the day of the fee and for the whole month, less what was used so far. It is
    expected to come to what it was in the month before, for as many days; at most the daily use so far goes on.
    Zero where the month before has no such fee, or nothing is used.
    """
    month = BillingPeriod.of(last_day)
    before, seen = month.previous(), DateRange(month.start, last_day + timedelta(days=1))
    days_left = month.day_count - last_day.day
    use_to_come = sum((used.get(day, ZERO) for day in seen.days()), ZERO) / last_day.day * days_left
    regular, regular_before = _median_of(unused, seen), _median_of(unused, before.range)
    surplus = ZERO
    for day in seen.days():
        fee = unused.get(day, ZERO) - regular
        fee_before = unused.get(before.start + (day - month.start), ZERO) - regular_before
        if fee > LUMP_FACTOR * regular and fee_before > LUMP_FACTOR * regular_before:
            surplus += max(ZERO, fee - fee_before * month.day_count / before.day_count)
    return round_money(min(surplus, use_to_come))


def draw_down(forecast: Forecast, amount: Decimal) -> Forecast:
    """The forecast less an amount that goes evenly over the days to come; its ends go with it."""
    if forecast.mean is None or forecast.low is None or forecast.high is None or not forecast.path or not amount:
        return forecast
    count = len(forecast.path)
    parts = [round_money(amount * place / count) for place in range(1, count + 1)]
    path = tuple(
        Step(step.day, step.mean - part, step.low - part, step.high - part)
        for step, part in zip(forecast.path, parts, strict=True)
    )
    return Forecast(forecast.method, path[-1].mean, path[-1].low, path[-1].high, path)


def half_width(spread: Decimal, days_ahead: int) -> Decimal:
    """Half of the 80 % range, for independent errors of the days."""
    return Z_80 * spread * Decimal(days_ahead).sqrt()


def sample_spread(residuals: Sequence[Decimal]) -> Decimal:
    """The sample standard deviation; zero of fewer than two."""
    if len(residuals) < 2:
        return ZERO
    mean = sum(residuals, ZERO) / len(residuals)
    return (sum(((value - mean) ** 2 for value in residuals), ZERO) / (len(residuals) - 1)).sqrt()


def split_lumps(days: Mapping[tuple[date, str], Decimal], complete: DateRange) -> tuple[dict[date, Decimal], ...]:
    """Costs by day and charge category as (daily, lumps that recur, lumps that do not).

    Usage is daily. Of other categories the median of the complete days is daily; what a day has above twice
    that is a lump: a fee on the 1st, a tax. Credits and refunds do not recur.
    """
    daily: dict[date, Decimal] = {}
    recurring: dict[date, Decimal] = {}
    once: dict[date, Decimal] = {}
    bases = {name: _median(days, name, complete) for name in {category for _, category in days}}
    for (day, category), cost in days.items():
        base = bases[category]
        is_lump = category != "Usage" and abs(cost) > LUMP_FACTOR * abs(base)
        regular = base if is_lump else cost
        daily[day] = daily.get(day, ZERO) + regular
        if is_lump:
            lumps = recurring if category in RECURRING else once
            lumps[day] = lumps.get(day, ZERO) + cost - regular
    return daily, recurring, once


def _median(days: Mapping[tuple[date, str], Decimal], category: str, complete: DateRange) -> Decimal:
    return _median_of({day: cost for (day, name), cost in days.items() if name == category}, complete)


def _median_of(amounts: Amounts, days: DateRange) -> Decimal:
    values = sorted(amounts.get(day, ZERO) for day in days.days())
    if not values:
        return ZERO
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _fit(history: History) -> _Model | None:
    count = history.complete_days
    if count < MIN_DAYS:
        return None
    if count < WEEKDAY_DAYS:
        values = [history.daily.get(day, ZERO) for day in _window(history, count)]
        mean = sum(values, ZERO) / count
        spread = sample_spread([value - mean for value in values])
        return _Model(ForecastMethod.RUN_RATE, (mean,) * 7, (ZERO,) * 7, ZERO, spread, history.complete_through)
    return _weekdays(history, min(count, WINDOW_DAYS) // 7 * 7, with_trend=count >= TREND_DAYS)


def _weekdays(history: History, length: int, *, with_trend: bool) -> _Model:
    window = _window(history, length)
    values = [history.daily.get(day, ZERO) for day in window]
    numbers = [Decimal((day - history.complete_through).days) for day in window]
    weeks = length // 7
    means, centres = [ZERO] * 7, [ZERO] * 7
    for day, value, number in zip(window, values, numbers, strict=True):
        means[day.weekday()] += value / weeks
        centres[day.weekday()] += number / weeks
    off = [value - means[day.weekday()] for day, value in zip(window, values, strict=True)]
    at = [number - centres[day.weekday()] for day, number in zip(window, numbers, strict=True)]
    slope = _slope(at, off) if with_trend else ZERO
    spread = sample_spread([value - slope * number for value, number in zip(off, at, strict=True)])
    method = ForecastMethod.WEEKDAYS_TREND if slope else ForecastMethod.WEEKDAYS
    return _Model(method, tuple(means), tuple(centres), slope, spread, history.complete_through)


def _slope(at: Sequence[Decimal], off: Sequence[Decimal]) -> Decimal:
    """Least squares within weekdays; zero where it does not stand out from the noise."""
    square = sum((number * number for number in at), ZERO)
    slope = sum((number * value for number, value in zip(at, off, strict=True)), ZERO) / square
    spread = sample_spread([value - slope * number for number, value in zip(at, off, strict=True)])
    return slope if abs(slope) > SIGNIFICANT * spread / square.sqrt() else ZERO


def _window(history: History, length: int) -> list[date]:
    return [history.complete_through - timedelta(days=back) for back in range(length - 1, -1, -1)]


def _path(history: History, model: _Model, ahead: Sequence[date], so_far: Decimal) -> list[Step]:
    known = so_far + sum((history.seen(day) for day in ahead), ZERO)
    path, mean = [], so_far
    for count, day in enumerate(ahead, start=1):
        expected = model.expected(day) + _expected_lump(history, day)
        mean += max(expected, history.seen(day)) if history.seen(day) >= 0 else expected + history.seen(day)
        half = half_width(model.spread, count)
        floor = min(known, mean)  # what is spent is spent
        path.append(Step(day, round_money(mean), round_money(max(mean - half, floor)), round_money(mean + half)))
    return path


def _expected_lump(history: History, day: date) -> Decimal:
    """What fell on this day of the last complete month, if it did in the month before that too (where known)."""
    last = BillingPeriod.of(history.complete_through + timedelta(days=1)).previous()
    amount = _lump_on(history, last, day)
    before = last.previous()
    if history.first_day <= before.start and not _lump_on(history, before, day):
        return ZERO
    return amount


def _lump_on(history: History, month: BillingPeriod, day: date) -> Decimal:
    """The month's lumps due on this day; those of days the month of `day` lacks are due on its last."""
    last_day = BillingPeriod.of(day).day_count
    due = [item for item in month.range.days() if item.day == day.day or (day.day == last_day and item.day > last_day)]
    return sum((history.lumps.get(item, ZERO) for item in due), ZERO)
