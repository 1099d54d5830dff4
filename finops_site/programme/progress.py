"""How far the plan is, measured and never typed. No clock: today is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from costs import figures
from costs.money import ZERO
from costs.periods import BillingPeriod
from finops_site.metrics.terms import Metric, Unit
from finops_site.programme.terms import SUMMED_METRICS, Comparator, Phase, StepState

# What each month was found to be: None where it was measured and there is nothing to divide by.
Readings = Mapping[Metric, Mapping[BillingPeriod, Decimal | None]]


@dataclass(frozen=True)
class Goal:
    """A measure with the threshold it has to reach."""

    metric: Metric
    comparator: Comparator
    threshold: Decimal

    def is_met_by(self, value: Decimal) -> bool:
        return value >= self.threshold if self.comparator is Comparator.AT_LEAST else value <= self.threshold


@dataclass(frozen=True)
class Step:
    """One step of the plan; `is_gate` makes it a go/no-go point over the steps of its phase."""

    title: str
    phase: Phase
    due_on: date
    owner: str = ""
    goal: Goal | None = None
    is_gate: bool = False
    ref: int = 0


@dataclass(frozen=True)
class Progress:
    """A step with what was measured: `value` is the newest reading, of `measured_in`."""

    step: Step
    state: StepState
    reason: str
    value: Decimal | None = None
    measured_in: BillingPeriod | None = None
    reached_in: BillingPeriod | None = None


def plan_progress(
    steps: Sequence[Step], *, readings: Readings, starts_on: date, today: date, currency: str = "USD"
) -> tuple[Progress, ...]:
    """Every step in the order given. A step's state follows from its readings since the month of the start."""
    judged = {id(step): _judged(step, readings, starts_on=starts_on, today=today, currency=currency) for step in steps}
    return tuple(
        _verdict(step, [judged[id(other)] for other in steps if other.phase is step.phase], starts_on, today)
        if step.is_gate
        else judged[id(step)]
        for step in steps
    )


def since_start(metric: Metric, readings: Readings, *, starts_on: date, today: date) -> dict[BillingPeriod, Decimal]:
    """Known values from the month of the start to today's, oldest first; summed up where the metric asks for it."""
    first, last = BillingPeriod.of(starts_on), BillingPeriod.of(today)
    months = sorted((period, value) for period, value in readings.get(metric, {}).items() if first <= period <= last)
    found: dict[BillingPeriod, Decimal] = {}
    total = ZERO
    for period, value in months:
        if value is not None:
            total += value
            found[period] = total if metric in SUMMED_METRICS else value
    return found


def value_text(metric: Metric, value: Decimal | None, currency: str = "USD") -> str:
    """A figure in its own unit: `38.2 %`, `12`, `$1,200.00`; `n/a` for None."""
    if metric.unit is Unit.RATIO:
        return figures.pct(value)
    return figures.money(value, currency) if metric.unit is Unit.MONEY else figures.number(value, 1)


def goal_text(goal: Goal | None, currency: str = "USD") -> str:
    """`Tag compliance at least 95.0 %`; empty for none."""
    if goal is None:
        return ""
    if goal.comparator is Comparator.AT_LEAST and goal.threshold == 0:
        return f"{goal.metric.label} is known"
    return f"{goal.metric.label} {goal.comparator.label} {value_text(goal.metric, goal.threshold, currency)}"


def _judged(step: Step, readings: Readings, *, starts_on: date, today: date, currency: str) -> Progress:
    begins = starts_on + timedelta(days=step.phase.first_day)
    goal = step.goal
    if goal is None:
        return Progress(step, _unmeasured(begins, today), "No measure is set.")
    known = since_start(goal.metric, readings, starts_on=starts_on, today=today)
    if not known:
        measured = any(period >= BillingPeriod.of(starts_on) for period in readings.get(goal.metric, {}))
        text = "There is nothing to divide by yet." if measured else "Not measured yet."
        return Progress(step, _unmeasured(begins, today), text)
    newest, value = list(known.items())[-1]
    reached_in = _reached_in(goal, known)
    reason = f"{value_text(goal.metric, value, currency)} in {newest.label}"
    if reached_in is not None:
        is_late = reached_in > BillingPeriod.of(step.due_on)
        state = StepState.DONE_LATE if is_late else StepState.DONE_ON_TIME
        since = f", reached in {reached_in.label}" if reached_in != newest else ""
        return Progress(step, state, f"{reason}{since}", value, newest, reached_in)
    if lost := [period for period, earlier in known.items() if goal.is_met_by(earlier)]:
        reason += f"; was reached in {lost[-1].label}"
    state = StepState.LATE if today > step.due_on else StepState.ON_TRACK
    return Progress(step, StepState.NOT_STARTED if today < begins else state, reason, value, newest)


def _reached_in(goal: Goal, known: Mapping[BillingPeriod, Decimal]) -> BillingPeriod | None:
    """The month from which on every reading meets the goal; None where the newest does not."""
    since = None
    for period, value in reversed(known.items()):  # type: ignore[call-overload]  # dict views can be reversed
        if not goal.is_met_by(value):
            break
        since = period
    return since


def _unmeasured(begins: date, today: date) -> StepState:
    return StepState.NOT_STARTED if today < begins else StepState.NOT_MEASURABLE


def _verdict(gate: Step, phase: Sequence[Progress], starts_on: date, today: date) -> Progress:
    """Go where every measured step of the phase is reached; what is missing otherwise."""
    counted = [found for found in phase if found.step.goal is not None]
    missing = [found for found in counted if not found.state.is_reached]
    reached = f"{len(counted) - len(missing)} of {len(counted)} measured steps reached"
    if not counted:
        return Progress(gate, StepState.NOT_MEASURABLE, "No step of this phase has a measure.")
    if not missing:
        return Progress(gate, StepState.GO, f"{reached}.")
    names = "; ".join(f"{found.step.title} ({_lower(found.reason)})" for found in missing)
    if today < starts_on + timedelta(days=gate.phase.first_day):
        return Progress(gate, StepState.NOT_STARTED, f"{reached} before the phase begins.")
    so_far = "" if today > gate.due_on else f" so far, due {figures.day(gate.due_on)}"
    return Progress(gate, StepState.NO_GO, f"{reached}{so_far}. Missing: {names}.")


def _lower(text: str) -> str:
    return f"{text[0].lower()}{text[1:]}".rstrip(".")
