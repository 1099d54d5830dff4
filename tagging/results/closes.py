"""A month's close as FinOps staff see it: where it stands, what stands in its way, what it gives."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from costs.periods import BillingPeriod
from costs.terms import CostMetric


@dataclass(frozen=True)
class MonthEndRow:
    """One owner's part. `booked` is the total in cents; those of the whole month sum to the rounded total."""

    owner_kind: str
    owner_key: str
    owner: str
    cost_center: str
    number: str
    direct_cost: Decimal
    shared_cost: Decimal
    adjustment_cost: Decimal
    total_cost: Decimal
    booked: Decimal


@dataclass(frozen=True)
class Obstacle:
    """What stands in the way of closing; some can be overruled with a reason."""

    code: str
    text: str
    may_be_forced: bool


@dataclass(frozen=True)
class CloseEventRow:
    """Who did what, when and why."""

    what: str
    version: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class AdjustmentRow:
    """A correction: of which month and owner, and how much. `to` is the month that carries it, '' while it waits."""

    origin: str
    origin_version: int
    to: str
    owner: str
    kind: str
    service_name: str
    sub_account_id: str
    charge_category: str
    cost: Decimal


@dataclass(frozen=True)
class DisputeRow:
    """A line in dispute. `pk` only for FinOps staff (0 for others)."""

    pk: int
    ref: str
    period: BillingPeriod
    currency: str
    team_key: str
    team_name: str
    line: str
    metric: CostMetric
    cost: Decimal
    state: str
    text: str
    raised_by: str
    raised_at: datetime
    answer: str
    answered_by: str
    answered_at: datetime | None


@dataclass(frozen=True)
class MonthEnd:
    """A month as it is closed, or as it would close now (state open).

    Σ rows + unallocated = bill + carried in; `difference` and, in cents, `booked_difference` are zero.
    """

    period: BillingPeriod
    currency: str
    metric: CostMetric
    state: str
    version: int
    number: str
    bill_version: str
    hash: str
    rows: tuple[MonthEndRow, ...]
    bill_total: Decimal
    carried_in: Decimal
    pending_adjustment: Decimal
    unallocated_cost: Decimal
    unallocated_booked: Decimal
    difference: Decimal
    booked_total: Decimal
    booked_difference: Decimal
    obstacles: tuple[Obstacle, ...]
    warnings: tuple[str, ...]
    open_disputes: int
    events: tuple[CloseEventRow, ...]
    rules: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def owners_total(self) -> Decimal:
        """Σ rows, as booked."""
        return sum((row.booked for row in self.rows), Decimal(0))
