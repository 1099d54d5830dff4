"""What budgets' selectors answer: frozen values without database keys.

Money is exact Decimal in `currency` on the basis `metric`; what is left out of it stands in `left_out`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from budgets.evaluation import AlertStep, RunsOut, pace
from budgets.forecast import Forecast
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence, DeliveryState, ForecastMethod, ScopeKind, Severity, ThresholdKind
from costs.money import ratio
from costs.terms import CostMetric


class BudgetState(StrEnum):
    """Over: spent more than the plan. At risk: expected to. No data: nothing to judge by."""

    OVER = "over"
    AT_RISK = "at_risk"
    ON_TRACK = "on_track"
    NO_DATA = "no_data"


@dataclass(frozen=True)
class Cause:
    """A team (of a team's budget: a service) with its costs so far and of as many days of the period before."""

    key: str
    label: str
    cost: Decimal
    previous: Decimal

    @property
    def change(self) -> Decimal:
        return self.cost - self.previous


@dataclass(frozen=True)
class Measured:
    """One period of a budget measured on the costs in force. `daily` holds actual costs by day.

    `data_through` is the last day with usage, None without any; figures after it are expectations.
    """

    period: BudgetPeriod
    plan: Decimal
    actual: Decimal
    forecast: Forecast
    runs_out: RunsOut
    data_through: date | None
    is_stale: bool
    has_costs: bool
    causes: tuple[Cause, ...]
    daily: Mapping[date, Decimal]


@dataclass(frozen=True)
class PeriodRow:
    """A period of a budget as last evaluated."""

    period: BudgetPeriod
    plan: Decimal
    actual: Decimal
    forecast: Decimal | None
    low: Decimal | None
    high: Decimal | None
    method: ForecastMethod
    runs_out: RunsOut
    data_through: date | None
    is_stale: bool
    has_costs: bool
    causes: tuple[Cause, ...]
    evaluated_at: datetime

    @property
    def used(self) -> Decimal | None:
        """Share of the plan spent; None without a plan."""
        return ratio(self.actual, self.plan)

    @property
    def expected(self) -> Decimal:
        """The forecast, or what is spent where there is none."""
        return self.actual if self.forecast is None else self.forecast

    @property
    def overrun(self) -> Decimal:
        """Expected − plan: positive is over."""
        return self.expected - self.plan

    @property
    def overrun_ratio(self) -> Decimal | None:
        return ratio(self.overrun, self.plan)

    @property
    def days_seen(self) -> int:
        """Days of the period up to the last one with usage."""
        seen = 0 if self.data_through is None else (self.data_through - self.period.start).days + 1
        return max(0, min(seen, self.period.day_count))

    @property
    def burn_rate(self) -> Decimal | None:
        """Share of the plan spent ÷ share of the period gone: above 1 the plan does not last."""
        if not self.days_seen:
            return None
        return pace(self.actual, self.plan, days_seen=self.days_seen, day_count=self.period.day_count)

    @property
    def variance(self) -> Decimal:
        return self.actual - self.plan

    @property
    def variance_ratio(self) -> Decimal | None:
        return ratio(self.variance, self.plan)

    @property
    def state(self) -> BudgetState:
        if not self.has_costs and self.forecast is None:
            return BudgetState.NO_DATA
        if self.actual > self.plan:
            return BudgetState.OVER
        return BudgetState.AT_RISK if self.expected > self.plan else BudgetState.ON_TRACK


@dataclass(frozen=True)
class BudgetRow:
    """A budget with its newest period; `now` is None until it is evaluated."""

    key: str
    name: str
    scope_kind: ScopeKind
    scope_key: str
    scope_label: str
    cadence: Cadence
    metric: CostMetric
    currency: str
    left_out: tuple[str, ...]
    owner: str
    is_active: bool
    open_alerts: int
    starts_on: date
    now: PeriodRow | None

    @property
    def state(self) -> BudgetState:
        return BudgetState.NO_DATA if self.now is None else self.now.state

    @property
    def needs_decision(self) -> bool:
        """In use and over plan, or expected to be."""
        return self.is_active and self.state in (BudgetState.OVER, BudgetState.AT_RISK)


@dataclass(frozen=True)
class DeliveryRow:
    address: str
    state: DeliveryState
    attempts: int
    sent_at: datetime | None
    error: str


@dataclass(frozen=True)
class AlertRow:
    """A step passed, with the figures of that moment. `deliveries` are for staff only."""

    ref: str
    budget_key: str
    budget_name: str
    scope_kind: ScopeKind
    scope_key: str
    scope_label: str
    metric: CostMetric
    currency: str
    left_out: tuple[str, ...]
    period: BudgetPeriod
    kind: ThresholdKind
    percent: Decimal
    severity: Severity
    told_with: str
    plan: Decimal
    actual: Decimal
    forecast: Decimal | None
    low: Decimal | None
    high: Decimal | None
    runs_out_on: date | None
    data_through: date | None
    causes: tuple[Cause, ...]
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str
    deliveries: tuple[DeliveryRow, ...]

    @property
    def value(self) -> Decimal:
        """What passed the step."""
        return self.forecast if self.kind is ThresholdKind.FORECAST and self.forecast is not None else self.actual

    @property
    def overrun(self) -> Decimal:
        """What is spent or expected − the plan."""
        return self.value - self.plan

    @property
    def is_used_up(self) -> bool:
        """Whether the plan was spent already when it was raised; else `runs_out_on` is an expectation."""
        return bool(self.runs_out_on and self.data_through and self.runs_out_on <= self.data_through)

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None


@dataclass(frozen=True)
class BudgetDetail:
    """A budget with all that is known of it. Periods newest first, without the running one."""

    row: BudgetRow
    amount: Decimal
    planned: tuple[tuple[date, Decimal], ...]
    steps: tuple[AlertStep, ...]
    starts_on: date
    owner_username: str
    created_by: str
    created_at: datetime
    past: tuple[PeriodRow, ...]
    alerts: tuple[AlertRow, ...]


@dataclass(frozen=True)
class Suggestion:
    """One of the templates filled from what is spent. `periods_used` months stand behind `amount`."""

    template: str
    title: str
    text: str
    name: str
    scope_kind: ScopeKind
    scope_key: str
    scope_label: str
    cadence: Cadence
    amount: Decimal
    periods_used: int
    is_taken: bool  # there is a budget in use for it
