"""A budget's period against its plan: steps reached, variance, pace, the day the plan runs out.

Pure: plan, costs and the day are given (docs/algorithms/budget-evaluation.md).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from budgets.forecast import Forecast
from budgets.terms import Severity, ThresholdKind
from costs.money import ZERO, ratio
from costs.periods import DateRange

StepKey = tuple[ThresholdKind, Decimal]


@dataclass(frozen=True)
class AlertStep:
    """A share of the plan (in per cent) that is worth a message when actual or forecast pass it."""

    kind: ThresholdKind
    percent: Decimal
    severity: Severity
    recipients: tuple[str, ...] = ()

    @property
    def key(self) -> StepKey:
        return (self.kind, self.percent)


@dataclass(frozen=True)
class Variance:
    """Positive is over plan. `ratio` is None where the plan is zero."""

    amount: Decimal
    ratio: Decimal | None


@dataclass(frozen=True)
class RunsOut:
    """When the plan is used up: expected, and the 80 % range. None: not within the period."""

    expected: date | None
    earliest: date | None
    latest: date | None


def is_passed(value: Decimal, percent: Decimal, plan: Decimal) -> bool:
    """Strictly more than that share of the plan; without a plan anything above zero."""
    return value > ZERO if plan <= ZERO else value * 100 > plan * percent


def steps_passed(
    steps: Sequence[AlertStep], *, plan: Decimal, actual: Decimal, forecast: Decimal | None
) -> tuple[AlertStep, ...]:
    """Every step passed; forecast steps only where there is a forecast."""
    values = {ThresholdKind.ACTUAL: actual, ThresholdKind.FORECAST: forecast}
    return tuple(
        step for step in steps if (value := values[step.kind]) is not None and is_passed(value, step.percent, plan)
    )


def new_steps(passed: Sequence[AlertStep], already: Collection[StepKey]) -> tuple[AlertStep, ...]:
    """Those of the period that have no alert yet, the one worth a message first: severest, then largest share."""
    order = {severity: place for place, severity in enumerate(Severity)}
    fresh = {step.key: step for step in passed if step.key not in already}
    return tuple(sorted(fresh.values(), key=lambda step: (-order[step.severity], -step.percent, step.kind.value)))


def plan_of(planned: Mapping[date, Decimal], default: Decimal, start: date) -> Decimal:
    """The plan of the period that starts then: its own amount, else the last one before it, else the default."""
    earlier = [day for day in planned if day <= start]
    return planned[max(earlier)] if earlier else default


def variance(value: Decimal, plan: Decimal) -> Variance:
    """Value − plan, and as a share of the plan."""
    return Variance(value - plan, ratio(value - plan, plan))


def forecast_error(actual: Decimal, forecast: Decimal) -> Decimal | None:
    """(actual − forecast) ÷ actual; None of nothing."""
    return ratio(actual - forecast, actual)


def pace(actual: Decimal, plan: Decimal, *, days_seen: int, day_count: int) -> Decimal | None:
    """Burn rate: share of the plan spent ÷ share of the period gone. Above 1 the plan does not last."""
    return ratio(actual * day_count, plan * days_seen)


def runs_out(costs: Mapping[date, Decimal], span: DateRange, plan: Decimal, forecast: Forecast) -> RunsOut:
    """The day on which the plan is passed: from what was spent, else along the forecast's path."""
    total = ZERO
    for day in span.days():
        total += costs.get(day, ZERO)
        if total > plan:
            return RunsOut(day, day, day)
    return RunsOut(
        expected=next((step.day for step in forecast.path if step.mean > plan), None),
        earliest=next((step.day for step in forecast.path if step.high > plan), None),
        latest=next((step.day for step in forecast.path if step.low > plan), None),
    )


def moving_average(past: Sequence[Decimal | None]) -> tuple[int, Decimal]:
    """(periods used, their mean) of past periods, oldest first; only leading ones without data are left out."""
    first = next((place for place, cost in enumerate(past) if cost is not None), len(past))
    used = [cost or ZERO for cost in past[first:]]
    return len(used), (sum(used, ZERO) / len(used) if used else ZERO)
