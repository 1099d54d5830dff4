"""Shared pools: what each owner gets of them, and how they are set up."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from costs.adding import InCents, in_cents
from costs.money import round_to_cents
from costs.periods import BillingPeriod
from tagging.pools import Remark
from tagging.terms import ChargeKind, OwnerKind, SplitMethod


@dataclass(frozen=True)
class SharedLine:
    """One owner's part of one pool in a month, on all five bases (by `billed_cost`, …), below zero for the pool.

    Per pool and basis all lines sum to zero. `method` is in words and says nothing of others.
    """

    pool_key: str
    pool_name: str
    method: str
    owner_kind: OwnerKind
    owner_key: str
    costs: Mapping[str, Decimal]


@dataclass(frozen=True)
class ShareView:
    """One owner's part of a pool on the basis shown, with its weight where it has one."""

    owner_key: str
    owner_name: str
    cost: Decimal
    weight: Decimal | None
    ratio: Decimal | None
    is_inactive: bool = False


@dataclass(frozen=True)
class PoolMonth:
    """A pool in a month on one basis: direct + received = Σ shares + stays. For staff, and teams of an open pool."""

    key: str
    name: str
    method: str
    weight_name: str
    direct: Decimal
    received: Decimal
    shared: Decimal
    stays: Decimal
    shares: tuple[ShareView, ...]
    remarks: tuple[Remark, ...]
    is_open: bool

    @property
    def total(self) -> Decimal:
        return self.direct + self.received

    @property
    def in_cents(self) -> "PoolCents":
        """The same in cents that add up: into the pool and out of it, and the shares to what left it."""
        whole = round_to_cents(self.total)
        direct, received = in_cents((self.direct, self.received), whole)
        shared, stays = in_cents((self.shared, self.stays), whole)
        parts = in_cents([view.cost for view in self.shares], shared.cents)
        return PoolCents(direct, received, shared, stays, tuple(zip(self.shares, parts, strict=True)))


@dataclass(frozen=True)
class PoolCents:
    """A pool's month as a page shows it: direct + received = shared + stays, and the shares sum to `shared`."""

    direct: InCents
    received: InCents
    shared: InCents
    stays: InCents
    shares: tuple[tuple[ShareView, InCents], ...]


@dataclass(frozen=True)
class PoolRow:
    """One row of a pool's setting, for FinOps staff. `summary` is the split in words, with names and percentages."""

    pk: int
    key: str
    name: str
    method: SplitMethod
    method_text: str
    summary: str
    charge_kind: ChargeKind | None
    is_open: bool
    is_active: bool
    from_period: BillingPeriod | None
    to_period: BillingPeriod | None
    reason: str

    def holds_in(self, period: BillingPeriod) -> bool:
        """Whether the month is split by it: what the pool got and gave then is its alone."""
        return not self.is_planned_at(period) and (self.to_period is None or period < self.to_period)

    def is_planned_at(self, period: BillingPeriod) -> bool:
        """Whether it begins after that month."""
        return self.from_period is not None and self.from_period > period

    def may_be_dropped_at(self, period: BillingPeriod) -> bool:
        """Whether it is planned for later than that month, and of no policy on charges."""
        return self.charge_kind is None and self.is_active and self.is_planned_at(period)

    @property
    def months_text(self) -> str:
        """`from March 2026 until before June 2026`; '' of one that holds in every month."""
        since = f"from {self.from_period.label}" if self.from_period else ""
        until = f"until before {self.to_period.label}" if self.to_period else ""
        return " ".join(text for text in (since, until) if text)

    @property
    def some_month(self) -> str:
        """A month it holds in, by which its form is found; '' where any will do."""
        month = self.from_period or (self.to_period.previous() if self.to_period else None)
        return str(month or "")

    @property
    def split_text(self) -> str:
        """How and over whom it is split."""
        return f"{self.method_text}: {self.summary}"


@dataclass(frozen=True)
class OwnShare:
    """A reader's own part of a pool in a month: all a team is told of a pool that is not open."""

    pool_key: str
    pool_name: str
    method: str
    owner_key: str
    cost: Decimal
    is_open: bool


@dataclass(frozen=True)
class CenterShare:
    """An owner's part of a pool under its cost centre; of a pool what left it, where its costs stand, without a key."""

    center: str
    owner_key: str
    owner: str
    pool_key: str
    pool_name: str
    cost: Decimal


@dataclass(frozen=True)
class BothPrices:
    """What usage under commitments costs an owner: at effective price and at list price."""

    effective_cost: Decimal
    list_cost: Decimal
