"""Forecasts worked by hand (vectors D11-D13 of the field's reference) and what must always hold."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.forecast import (
    History,
    draw_down,
    half_width,
    make_forecast,
    sample_spread,
    split_lumps,
    still_to_be_used,
)
from budgets.terms import ForecastMethod
from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange

JUNE = BillingPeriod.parse("2026-06")  # 30 days, starts on a Monday


def history(
    costs: list[str], *, first: date = JUNE.start, lumps: dict[date, str] | None = None, partial: tuple[str, ...] = ()
) -> History:
    """Complete days from `first` on, then days known in part."""
    daily = {first + timedelta(days=at): Decimal(cost) for at, cost in enumerate([*costs, *partial])}
    found = {day: Decimal(cost) for day, cost in (lumps or {}).items()}
    return History(daily, found, first, first + timedelta(days=len(costs) - 1))


def test_run_rate_forecast_is_actual_plus_the_mean_of_complete_days_for_the_rest() -> None:
    # D11: ten days of 10.00 in a month of 30: 100 + 20 × 10
    found = make_forecast(history(["10"] * 10), JUNE.range)
    assert (found.method, found.mean) == (ForecastMethod.RUN_RATE, Decimal("300"))
    assert (found.low, found.high) == (Decimal("300"), Decimal("300"))


def test_weekday_forecast_repeats_the_week_when_two_weeks_are_complete() -> None:
    # D12: two weeks of 5 × 10 + 2 × 4 = 58 are 116; two more weeks 116, then Monday and Tuesday 20
    week = ["10"] * 5 + ["4"] * 2
    found = make_forecast(history(week * 2), JUNE.range)
    assert (found.method, found.mean) == (ForecastMethod.WEEKDAYS, Decimal("252"))


def test_half_of_the_80_percent_range_grows_with_the_root_of_the_days_ahead() -> None:
    # D13: squares 1+1+4+4+0+1+1 = 12 over 6 → sd √2 = 1.414214; 1.2815515655 × √2 × √20 = 1.2815515655 × √40
    residuals = [Decimal(text) for text in ("1", "-1", "2", "-2", "0", "1", "-1")]
    assert round(sample_spread(residuals), 6) == Decimal("1.414214")
    assert round(half_width(sample_spread(residuals), 20), 6) == Decimal("8.105244")


def test_no_forecast_is_made_when_fewer_than_seven_days_are_complete() -> None:
    found = make_forecast(history(["10"] * 6), JUNE.range)
    assert (found.method, found.mean, found.low, found.path) == (ForecastMethod.NONE, None, None, ())


def test_a_period_that_is_over_is_its_costs_without_a_range() -> None:
    found = make_forecast(history(["2"] * 30), JUNE.range)
    assert (found.mean, found.low, found.high, found.path) == (Decimal("60"), Decimal("60"), Decimal("60"), ())


def test_days_known_in_part_stay_out_of_the_mean_and_in_the_actual() -> None:
    # 10 complete days of 10, the 11th so far 4 (10 expected), the 12th already 25: 100 + 10 + 25 + 18 × 10
    found = make_forecast(history(["10"] * 10, partial=("4", "25")), JUNE.range)
    assert found.mean == Decimal("315")


def test_a_steady_rise_is_followed_when_there_are_two_months() -> None:
    # Day n (from 0) costs n; 60 days are complete, the next 30 cost 60 … 89: 30 × 74.5 = 2,235, but the rise
    # is followed for 28 days only: 60 … 87, 87, 87 → 2,235 − 1 − 2
    july = BillingPeriod.parse("2026-07")
    first = july.start - timedelta(days=60)
    days = DateRange(july.start, july.start + timedelta(days=30))
    found = make_forecast(history([str(n) for n in range(60)], first=first), days)
    assert (found.method, found.mean) == (ForecastMethod.WEEKDAYS_TREND, Decimal("2232"))


def test_noise_without_a_rise_is_not_taken_for_a_trend() -> None:
    costs = [("9", "11")[(n * 7 // 3) % 2] for n in range(63)]
    found = make_forecast(history(costs, first=date(2026, 3, 30)), JUNE.range)
    assert found.method is ForecastMethod.WEEKDAYS


def test_fees_are_expected_on_the_day_they_fell_last_month_instead_of_averaged() -> None:
    # 1 a day. A fee of 50 on the 20th of April and of May: due on 20 June; one of 7 in May only: not due.
    first = date(2026, 4, 1)
    lumps = {date(2026, 4, 20): "50", date(2026, 5, 20): "50", date(2026, 5, 12): "7"}
    found = make_forecast(history(["1"] * 71, first=first, lumps=lumps), JUNE.range)  # to 10 June
    assert found.mean == Decimal("80")
    assert found.path[8].mean == Decimal("19")  # 19 June, the day before it
    assert found.path[9].mean == Decimal("70")


def test_a_fee_on_the_first_is_in_the_actual_and_is_not_repeated() -> None:
    lumps = {date(2026, 5, 1): "100", JUNE.start: "100"}
    found = make_forecast(history(["1"] * 41, first=date(2026, 5, 1), lumps=lumps), JUNE.range)  # to 10 June
    assert found.mean == Decimal("130")


def test_a_fee_of_the_31st_is_due_on_the_last_day_of_a_shorter_month() -> None:
    lumps = {date(2026, 5, 31): "9"}
    found = make_forecast(history(["0"] * 41, first=date(2026, 5, 1), lumps=lumps), JUNE.range)
    assert [step.mean for step in found.path[-2:]] == [ZERO, Decimal("9")]


def test_fees_are_told_from_daily_costs_by_category_and_size() -> None:
    day, complete = JUNE.start, DateRange(JUNE.start, JUNE.start + timedelta(days=5))
    days = {(day + timedelta(days=n), "Purchase"): Decimal(2) for n in range(5)}
    days[day, "Purchase"] = Decimal(30)  # 2 daily and a fee of 28
    days |= {(day, "Usage"): Decimal(90), (day, "Tax"): Decimal(5), (day, "Credit"): Decimal(-3)}
    daily, recurring, once = split_lumps(days, complete)
    assert daily[day] == Decimal(92)  # usage is daily, however much of it
    assert daily[day + timedelta(days=1)] == Decimal(2)
    assert recurring == {day: Decimal(33)}
    assert once == {day: Decimal(-3)}


@given(st.lists(st.integers(0, 500), min_size=7, max_size=90), st.integers(0, 10))
def test_forecast_is_never_below_what_is_spent_and_its_range_holds_it(costs: list[int], shift: int) -> None:
    first = JUNE.start - timedelta(days=shift)
    found = make_forecast(history([str(cost) for cost in costs], first=first), JUNE.range)
    spent = sum((Decimal(cost) for at, cost in enumerate(costs) if first + timedelta(days=at) in JUNE.range), ZERO)
    assert found.low is not None
    assert found.mean is not None
    assert found.high is not None
    assert spent <= found.low <= found.mean <= found.high
    assert all(a.mean <= b.mean for a, b in zip(found.path, found.path[1:], strict=False))


@pytest.mark.parametrize("gap", [1, 3])
def test_days_without_a_row_count_as_days_without_cost(gap: int) -> None:
    # 8 of 10 days cost 10, the others nothing: mean 8 → 80 + 20 × 8
    daily = {JUNE.start + timedelta(days=n): Decimal(10) for n in range(10) if n not in {gap, gap + 4}}
    found = make_forecast(History(daily, {}, JUNE.start, JUNE.start + timedelta(days=9)), JUNE.range)
    assert found.mean == Decimal("240")


MAY = BillingPeriod.parse("2026-05")  # 31 days


def each_day(through: date, cost: str, *, first: date = JUNE.start) -> dict[date, Decimal]:
    """The same on each day."""
    return {first + timedelta(days=at): Decimal(cost) for at in range((through - first).days + 1)}


def test_what_a_fee_still_stands_as_unused_comes_to_what_it_was_last_month() -> None:
    # A fee of 300: by 20 June 200 are used, 100 stand as unused. May left 31 of its 310 unused, so June is expected
    # to leave 30: 70 will be used, which is less than the ten days' 10.00 each.
    unused = {MAY.start: Decimal("31"), JUNE.start: Decimal("100")}
    used = each_day(date(2026, 6, 20), "10")
    assert still_to_be_used(used, unused, date(2026, 6, 20)) == Decimal("70")


def test_no_more_is_expected_to_be_used_than_the_daily_use_so_far() -> None:
    # Two days are left at 10.00 a day, though May left 80 less unused.
    unused = {MAY.start: Decimal("31"), JUNE.start: Decimal("110")}
    used = each_day(date(2026, 6, 28), "10")
    assert still_to_be_used(used, unused, date(2026, 6, 28)) == Decimal("20")
    assert still_to_be_used(used, unused, date(2026, 6, 30)) == ZERO


def test_fees_by_the_hour_are_unused_to_date_and_nothing_is_taken_from_them() -> None:
    unused = each_day(date(2026, 6, 20), "3", first=MAY.start)
    assert still_to_be_used(each_day(date(2026, 6, 20), "10"), unused, date(2026, 6, 20)) == ZERO


def test_a_fee_without_one_in_the_month_before_stays_as_it_stands() -> None:
    used = each_day(date(2026, 6, 20), "10")
    assert still_to_be_used(used, {JUNE.start: Decimal("100")}, date(2026, 6, 20)) == ZERO


def test_the_forecast_less_what_will_be_used_goes_down_evenly_over_the_days_to_come() -> None:
    # Ten days of 1.00 in June: 30.00; less 4.00 over the 20 days to come, 0.20 a day.
    found = draw_down(make_forecast(history(["1"] * 10), JUNE.range), Decimal("4"))
    assert (found.mean, found.low, found.high) == (Decimal("26"), Decimal("26"), Decimal("26"))
    assert found.path[0].mean == Decimal("10.8")
    assert found.path[9].mean == Decimal("18")
