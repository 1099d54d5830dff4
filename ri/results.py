"""What the selectors of commitments answer."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from costs.periods import BillingPeriod
from ri.advice import Advice, Rejection
from ri.offerings import Offer
from ri.terms import Confidence, RunKind
from ri.usage import Pool


@dataclass(frozen=True)
class Book:
    """A price book with its offers."""

    name: str
    note: str
    is_built_in: bool
    currency: str
    updated_at: datetime
    offers: tuple[Offer, ...]


@dataclass(frozen=True)
class BookRow:
    """A price book without its offers. `used_for` names the sources whose newest advice is priced with it."""

    name: str
    note: str
    is_built_in: bool
    currency: str
    updated_at: datetime
    offers: int
    used_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Findings:
    """What a run found out, before it is kept."""

    kind: RunKind
    as_of: date
    steady_instances: int
    advice: tuple[Advice, ...]
    rejections: tuple[Rejection, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class RecommendationRow:
    """One recommended purchase as it was kept."""

    pool: Pool
    region_id: str
    instance_type: str
    platform: str
    tenancy: str
    offering_class: str
    term_years: int
    payment_option: str
    quantity: int
    on_demand_rate: Decimal
    effective_rate: Decimal
    upfront_cost: Decimal
    gross_savings_annual: Decimal
    unused_cost_annual: Decimal
    net_savings_annual: Decimal
    break_even_utilization: Decimal
    payback_months: Decimal
    expected_utilization: Decimal
    coverage_ratio: Decimal
    steadiness: Decimal
    confidence: Confidence
    regrets: tuple[tuple[Decimal, Decimal], ...]
    reason: str


@dataclass(frozen=True)
class RejectedRow:
    """A pool without advice."""

    pool: Pool
    reason: str


@dataclass(frozen=True)
class Run:
    """The newest answer for a source."""

    source_name: str
    kind: RunKind
    as_of: date
    lookback_days: int
    price_book: str
    price_book_note: str
    currency: str
    min_uptime: Decimal
    coverage_target: Decimal
    max_payback_months: Decimal
    steady_instances: int
    warnings: tuple[str, ...]
    made_at: datetime
    recommendations: tuple[RecommendationRow, ...]
    rejected: tuple[RejectedRow, ...]

    @property
    def data_through(self) -> date:
        """The last day looked at: a bill's window ends before `as_of`, an inventory was taken on it."""
        return self.as_of if self.kind is RunKind.SCREEN else self.as_of - timedelta(days=1)

    @property
    def net_savings_annual(self) -> Decimal:
        return sum((row.net_savings_annual for row in self.recommendations), Decimal(0))

    @property
    def upfront_cost(self) -> Decimal:
        return sum((row.upfront_cost for row in self.recommendations), Decimal(0))


@dataclass(frozen=True)
class CommitmentRow:
    """One reservation or plan in a month. `kind` is reservation or savings_plan."""

    commitment_id: str
    kind: str
    source_name: str
    sub_account_id: str
    region_id: str
    instance_type: str
    platform: str
    utilization: Decimal | None
    purchased_hours: float
    used_hours: float
    total_cost: Decimal
    unused_cost: Decimal
    on_demand_value: Decimal
    net_savings: Decimal
    ends_on: date | None
    days_left: int | None

    @property
    def short_id(self) -> str:
        """What tells it apart: the id without the provider's prefix."""
        return self.commitment_id.rpartition("/")[2] or "(no id)"


@dataclass(frozen=True)
class Coverage:
    """A month's commitments. Ratios are None where there is nothing to divide by.

    Coverage is of usage on demand and reserved; usage on Spot and under a plan stays out. The effective savings
    rate is over all usage of instances but Spot, with what commitments left unused.
    """

    period: BillingPeriod
    currency: str
    other_currencies: tuple[str, ...]
    coverage_units: Decimal | None
    coverage_hours: Decimal | None
    coverage_cost: Decimal | None
    coverage_target: Decimal
    utilization: Decimal | None
    utilization_target: Decimal
    effective_savings_rate: Decimal | None
    list_cost: Decimal
    effective_cost: Decimal
    unused_cost: Decimal
    total_cost: Decimal
    on_demand_cost: Decimal
    last_usage_on: date | None
    is_partial: bool
    commitments: tuple[CommitmentRow, ...]

    @property
    def expiring(self) -> tuple[CommitmentRow, ...]:
        """Commitments with a known end that is not over, the next first."""
        known = [row for row in self.commitments if row.days_left is not None and row.days_left >= 0]
        return tuple(sorted(known, key=lambda row: (row.days_left or 0, row.commitment_id)))


@dataclass(frozen=True)
class PoolDay:
    """A day of a pool, in instances of the size bought: mean of the hours."""

    day: date
    on_demand: Decimal
    committed: Decimal


@dataclass(frozen=True)
class PoolInstance:
    """One instance of a screened pool."""

    resource_id: str
    state: str
    cpu_pct: float | None
    uptime: Decimal | None
    is_measured: bool
    is_steady: bool
    hourly_rate: Decimal | None


@dataclass(frozen=True)
class PoolDetail:
    """A pool with the advice on it and what it rests on."""

    pool: Pool
    unit: str
    run: Run
    recommendation: RecommendationRow | None
    rejection: RejectedRow | None
    hours: tuple[tuple[datetime, Decimal, Decimal], ...]  # hour → on demand, committed, in instances of `unit`
    curve: tuple[tuple[int, Decimal], ...]  # quantity → net saving a year
    options: tuple["OptionRow", ...]
    instances: tuple[PoolInstance, ...]


@dataclass(frozen=True)
class OptionRow:
    """Another way to buy, at the quantity that is best for it."""

    name: str
    quantity: int
    effective_rate: Decimal
    break_even_utilization: Decimal
    term_break_even_months: Decimal
    payback_months: Decimal | None
    upfront_cost: Decimal
    net_savings_annual: Decimal
    is_chosen: bool
