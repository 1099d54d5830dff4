"""Progress follows from what was measured; the programme begins on 24 September 2026, today is 23 November."""

from datetime import date
from decimal import Decimal

import pytest

from costs.periods import BillingPeriod
from finops_site.metrics.terms import Metric
from finops_site.programme.progress import Goal, Progress, Readings, Step, goal_text, plan_progress
from finops_site.programme.targets import Aim, metric_rows, programme_months
from finops_site.programme.terms import Comparator, Phase, StepState

START, TODAY = date(2026, 9, 24), date(2026, 11, 23)


def month(text: str) -> BillingPeriod:
    return BillingPeriod.parse(text)


def readings(metric: Metric = Metric.COMPLIANCE, **values: str | None) -> Readings:
    """`readings(oct="0.5")`; None was measured with nothing to divide by."""
    months = {"aug": "2026-08", "sep": "2026-09", "oct": "2026-10", "nov": "2026-11"}
    return {metric: {month(months[name]): None if text is None else Decimal(text) for name, text in values.items()}}


def step(
    due_on: date = date(2026, 10, 15),
    *,
    phase: Phase = Phase.WEEKS_2_3,
    metric: Metric = Metric.COMPLIANCE,
    threshold: str = "0.5",
    comparator: Comparator = Comparator.AT_LEAST,
) -> Step:
    return Step("Tag half", phase, due_on, goal=Goal(metric, comparator, Decimal(threshold)))


def short(reason: str) -> str:
    """The reason with months and figures as the table below writes them."""
    plain = reason.replace("\u00a0", " ").replace(".0 %", " %")
    return plain.replace("October 2026", "Oct").replace("November 2026", "Nov")


def judged(found: Step, known: Readings, *, today: date = TODAY) -> Progress:
    (only,) = plan_progress([found], readings=known, starts_on=START, today=today)
    return only


OCT, DEC = date(2026, 10, 15), date(2026, 12, 23)
CASES = {
    "on time": (readings(oct="0.5", nov="0.6"), OCT, "done_on_time", "60 % in Nov, reached in Oct"),
    "a month late": (readings(oct="0.4", nov="0.5"), OCT, "done_late", "50 % in Nov"),
    "on track": (readings(oct="0.4"), DEC, "on_track", "40 % in Oct"),
    "late": (readings(oct="0.4"), date(2026, 11, 22), "late", "40 % in Oct"),
    "due today": (readings(oct="0.4"), TODAY, "on_track", "40 % in Oct"),
    "lost again": (readings(oct="0.7", nov="0.4"), OCT, "late", "40 % in Nov; was reached in Oct"),
    "back too late": (readings(sep="0.7", oct="0.4", nov="0.5"), OCT, "done_late", "50 % in Nov"),
    "never": ({}, OCT, "not_measurable", "Not measured yet."),
    "before the start": (readings(aug="0.9"), OCT, "not_measurable", "Not measured yet."),
    "n/a": (readings(oct=None), OCT, "not_measurable", "There is nothing to divide by yet."),
    "n/a since": (readings(oct="0.6", nov=None), OCT, "done_on_time", "60 % in Oct"),
}


@pytest.mark.parametrize(("known", "due_on", "state", "reason"), CASES.values(), ids=CASES)
def test_state_follows_from_readings_threshold_and_due_date(
    known: Readings, due_on: date, state: str, reason: str
) -> None:
    found = judged(step(due_on), known)
    assert (found.state.value, short(found.reason)) == (state, reason)


def test_step_of_a_phase_ahead_is_not_started_unless_it_is_reached_already() -> None:
    # months 2–3 begin 29 days after 24 September: on 23 October
    later = step(date(2026, 12, 23), phase=Phase.MONTHS_2_3)
    early = date(2026, 10, 22)
    assert judged(later, {}, today=early).state is StepState.NOT_STARTED
    assert judged(later, readings(oct="0.1"), today=early).state is StepState.NOT_STARTED
    assert judged(later, readings(oct="0.5"), today=early).state is StepState.DONE_ON_TIME
    assert judged(later, readings(oct="0.1"), today=date(2026, 10, 23)).state is StepState.ON_TRACK


def test_step_without_a_measure_is_not_measurable() -> None:
    bare = Step("Talk to everybody", Phase.WEEK_1, date(2026, 10, 1))
    assert judged(bare, {}).state is StepState.NOT_MEASURABLE
    assert goal_text(None) == ""


def test_smaller_may_be_better() -> None:
    within = step(metric=Metric.VARIANCE, threshold="0.05", comparator=Comparator.AT_MOST)
    assert judged(within, readings(Metric.VARIANCE, oct="0.05")).state is StepState.DONE_ON_TIME
    assert judged(within, readings(Metric.VARIANCE, oct="0.051")).state is StepState.LATE
    assert goal_text(within.goal) == "Budget variance at most 5.0\u00a0%"


def test_what_is_bought_anew_each_month_is_summed_since_the_start() -> None:
    # 9 in August are before the start; 2 + 3 = 5 by October
    bought = step(metric=Metric.RESERVATIONS_BOUGHT, threshold="5")
    known = readings(Metric.RESERVATIONS_BOUGHT, aug="9", sep="2", oct="3", nov="0")
    found = judged(bought, known)
    assert (found.state, found.value, found.reached_in) == (StepState.DONE_ON_TIME, Decimal(5), month("2026-10"))
    assert judged(bought, readings(Metric.RESERVATIONS_BOUGHT, aug="9", sep="4")).state is StepState.LATE


def test_gate_is_go_when_every_measured_step_of_its_phase_is_reached() -> None:
    gate = Step("Go or not", Phase.WEEKS_2_3, date(2026, 10, 15), is_gate=True)
    other = step(phase=Phase.WEEK_4, threshold="0.99")
    unmeasured = Step("Talk", Phase.WEEKS_2_3, date(2026, 10, 15))
    found = plan_progress([step(), unmeasured, gate, other], readings=readings(oct="0.6"), starts_on=START, today=TODAY)
    assert (found[2].state, found[2].reason) == (StepState.GO, "1 of 1 measured steps reached.")


def test_gate_is_no_go_with_the_reasons_otherwise() -> None:
    gate = Step("Go or not", Phase.WEEKS_2_3, date(2026, 10, 15), is_gate=True)
    adoption = step(metric=Metric.ADOPTION, threshold="0.8")
    steps = [step(), adoption, gate]
    found = plan_progress(steps, readings=readings(oct="0.6"), starts_on=START, today=TODAY)[2]
    assert found.state is StepState.NO_GO
    assert found.reason == "1 of 2 measured steps reached. Missing: Tag half (not measured yet)."
    before = plan_progress(steps, readings=readings(oct="0.6"), starts_on=START, today=date(2026, 10, 15))[2]
    assert before.reason.startswith("1 of 2 measured steps reached so far, due 15 Oct 2026. Missing:")


def test_gate_without_measured_steps_or_ahead_gives_no_verdict() -> None:
    gate = Step("Go or not", Phase.MONTHS_2_3, date(2026, 12, 23), is_gate=True)
    later = step(date(2026, 12, 23), phase=Phase.MONTHS_2_3)
    (alone,) = plan_progress([gate], readings={}, starts_on=START, today=TODAY)
    assert alone.state is StepState.NOT_MEASURABLE
    ahead = plan_progress([later, gate], readings={}, starts_on=START, today=START)[1]
    assert ahead.state is StepState.NOT_STARTED


def test_month_1_is_that_of_the_start_or_the_next_after_the_15th() -> None:
    assert programme_months(date(2026, 9, 15), 2) == (month("2026-09"), month("2026-10"))
    assert programme_months(date(2026, 12, 16), 2) == (month("2027-01"), month("2027-02"))


def test_target_holds_from_its_month_on_and_gives_the_tone() -> None:
    # months: October (1), November (2, running), … ; target 45 % from month 2, 70 % from month 6
    aims = [Aim(Metric.COVERAGE, 2, Decimal("0.45")), Aim(Metric.COVERAGE, 6, Decimal("0.7"))]
    known = readings(Metric.COVERAGE, oct="0.2", nov="0.4")
    (row,) = metric_rows([Metric.COVERAGE], aims, readings=known, starts_on=START, today=TODAY)
    targets = [None if cell.target is None else str(cell.target) for cell in row.cells]
    assert targets == [None, "0.45", "0.45", "0.45", "0.45", "0.7"]
    assert [cell.tone for cell in row.cells] == ["", "warn", "", "", "", ""]
    assert [cell.is_ahead for cell in row.cells] == [False, False, True, True, True, True]
    over = metric_rows([Metric.COVERAGE], aims, readings=known, starts_on=START, today=date(2026, 12, 1))[0]
    assert over.cells[1].tone == "bad"
    good = metric_rows(
        [Metric.COVERAGE], aims, readings=readings(Metric.COVERAGE, nov="0.45"), starts_on=START, today=TODAY
    )[0]
    assert good.cells[1].tone == "good"


def test_cell_says_whether_nothing_was_measured_or_there_was_nothing_to_divide_by() -> None:
    known = readings(Metric.UTILIZATION, oct=None)
    (row,) = metric_rows([Metric.UTILIZATION], [], readings=known, starts_on=START, today=TODAY)
    assert [(cell.actual, cell.is_measured) for cell in row.cells[:2]] == [(None, True), (None, False)]
