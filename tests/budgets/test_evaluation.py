"""Thresholds, plans and variance, worked by hand (vectors D2-D8 and D15 of the field's reference)."""

from datetime import date
from decimal import Decimal

import pytest

from budgets.evaluation import (
    AlertStep,
    forecast_error,
    is_passed,
    moving_average,
    new_steps,
    pace,
    plan_of,
    runs_out,
    steps_passed,
    variance,
)
from budgets.forecast import History, make_forecast
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence, Severity, ThresholdKind
from costs.periods import BillingPeriod

JUNE = BillingPeriod.parse("2026-06")


def step(percent: str, kind: ThresholdKind = ThresholdKind.ACTUAL, severity: Severity = Severity.WARNING) -> AlertStep:
    return AlertStep(kind, Decimal(percent), severity)


@pytest.mark.parametrize(("actual", "passed"), [("159.99", False), ("160.00", False), ("160.01", True)])
def test_a_step_is_passed_only_by_more_than_its_share(actual: str, passed: bool) -> None:
    assert is_passed(Decimal(actual), Decimal(80), Decimal(200)) is passed  # D3


def test_without_a_plan_anything_spent_passes() -> None:
    assert is_passed(Decimal("0.01"), Decimal(50), Decimal(0))
    assert not is_passed(Decimal(0), Decimal(50), Decimal(0))


def alerts_of(values: list[str], kind: ThresholdKind, percent: str) -> list[str]:
    """The values at which a message goes out within one period, plan 100."""
    already: set[tuple[ThresholdKind, Decimal]] = set()
    sent = []
    for value in values:
        actual, forecast = (value, None) if kind is ThresholdKind.ACTUAL else ("0", Decimal(value))
        passed = steps_passed([step(percent, kind)], plan=Decimal(100), actual=Decimal(actual), forecast=forecast)
        if fresh := new_steps(passed, already):
            sent.append(value)
            already |= {item.key for item in fresh}
    return sent


def test_each_step_gives_one_alert_a_period_however_often_it_is_passed() -> None:
    assert alerts_of(["70", "85", "90", "78", "95"], ThresholdKind.ACTUAL, "80") == ["85"]  # D4, first period
    assert alerts_of(["10", "81"], ThresholdKind.ACTUAL, "80") == ["81"]  # D4, next period


def test_a_forecast_that_falls_and_rises_again_gives_no_second_alert() -> None:
    # D5 as AWS has it would say 105 and 120; here each step speaks once a period.
    assert alerts_of(["90", "105", "110", "95", "120"], ThresholdKind.FORECAST, "100") == ["105"]


def test_the_severest_of_several_new_steps_comes_first() -> None:
    passed = [step("50", severity=Severity.INFO), step("100", severity=Severity.CRITICAL), step("80")]
    assert [item.percent for item in new_steps(passed, set())] == [Decimal(100), Decimal(80), Decimal(50)]
    assert [item.percent for item in new_steps(passed, {passed[1].key})] == [Decimal(80), Decimal(50)]


def test_a_missing_forecast_passes_no_forecast_step() -> None:
    steps = [step("100", ThresholdKind.FORECAST)]
    assert steps_passed(steps, plan=Decimal(1), actual=Decimal(5), forecast=None) == ()


@pytest.mark.parametrize(
    ("cadence", "start", "end", "name"),
    [
        (Cadence.MONTHLY, date(2018, 1, 1), date(2018, 2, 1), "2018-01"),
        (Cadence.QUARTERLY, date(2018, 1, 1), date(2018, 4, 1), "2018-Q1"),
        (Cadence.ANNUAL, date(2018, 1, 1), date(2019, 1, 1), "2018"),
    ],
)
def test_the_running_period_starts_with_the_calendar(cadence: Cadence, start: date, end: date, name: str) -> None:
    found = BudgetPeriod.of(date(2018, 1, 24), cadence)  # D2
    assert (found.start, found.range.end, str(found)) == (start, end, name)


def test_quarters_start_in_january_april_july_and_october() -> None:
    starts = [BudgetPeriod.of(date(2026, month, 15), Cadence.QUARTERLY).start.month for month in range(1, 13)]
    assert starts == [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10]
    assert BudgetPeriod.of(date(2026, 2, 1), Cadence.QUARTERLY).previous().label == "Q4 2025"


def test_the_last_planned_amount_stays_in_force() -> None:
    planned = {date(2026, month, 1): Decimal(100 * month) for month in range(1, 13)}
    assert plan_of(planned, Decimal(7), date(2027, 3, 1)) == Decimal(1200)  # D8
    assert plan_of(planned, Decimal(7), date(2026, 4, 1)) == Decimal(400)
    assert plan_of(planned, Decimal(7), date(2025, 12, 1)) == Decimal(7)


def test_only_leading_periods_without_data_are_left_out_of_the_average() -> None:
    assert moving_average([None, Decimal(300), Decimal(600), Decimal(900)]) == (3, Decimal(600))  # D6
    assert moving_average([Decimal(100), Decimal(0), Decimal(200)]) == (3, Decimal(100))  # D7
    assert moving_average([None, None]) == (0, Decimal(0))


def test_variance_is_positive_over_plan_and_forecasts_are_judged_by_the_actual() -> None:
    found = variance(Decimal(1150), Decimal(1000))  # D15
    assert (found.amount, found.ratio) == (Decimal(150), Decimal("0.15"))
    error = forecast_error(Decimal(1150), Decimal(1100))
    assert error is not None
    assert round(error * 100, 6) == Decimal("4.347826")
    assert variance(Decimal(5), Decimal(0)).ratio is None
    assert forecast_error(Decimal(0), Decimal(5)) is None


def test_pace_compares_what_is_spent_with_the_time_gone() -> None:
    # 60 of 100 after 10 of 30 days: 0.6 ÷ ⅓
    assert pace(Decimal(60), Decimal(100), days_seen=10, day_count=30) == Decimal("1.8")
    assert pace(Decimal(60), Decimal(0), days_seen=10, day_count=30) is None


def test_the_plan_runs_out_on_the_first_day_whose_sum_is_above_it() -> None:
    daily = {date(2026, 6, day): Decimal(10) for day in range(1, 11)}
    known = History(daily, {}, JUNE.start, date(2026, 6, 10))
    forecast = make_forecast(known, JUNE.range)
    assert runs_out(daily, JUNE.range, Decimal(95), forecast).expected == date(2026, 6, 10)  # 100 > 95, spent
    assert runs_out(daily, JUNE.range, Decimal(225), forecast).expected == date(2026, 6, 23)  # 230 > 225
    assert runs_out(daily, JUNE.range, Decimal(300), forecast).expected is None  # 300 is not above 300


def test_a_wider_range_brings_the_earliest_day_forward_and_the_latest_back() -> None:
    daily = {date(2026, 6, day): Decimal(10 + 4 * (-1) ** day) for day in range(1, 11)}  # 6, 14, 6, …: mean 10
    forecast = make_forecast(History(daily, {}, JUNE.start, date(2026, 6, 10)), JUNE.range)
    found = runs_out(daily, JUNE.range, Decimal(195), forecast)
    assert found.expected == date(2026, 6, 20)
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest < found.expected < found.latest
