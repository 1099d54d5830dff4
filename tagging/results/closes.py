"""A month's close as FinOps staff see it: where it stands, what stands in its way, what it gives."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from costs.figures import money
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.terms import CostMetric


@dataclass(frozen=True)
class MonthEndRow:
    """One owner's part. `booked` is the total in cents; those of the whole month sum to the rounded total.

    None on a basis the month was not charged on, where the document has no number either.
    """

    owner_kind: str
    owner_key: str
    owner: str
    cost_center: str
    number: str
    direct_cost: Decimal
    shared_cost: Decimal
    adjustment_cost: Decimal
    total_cost: Decimal
    booked: Decimal | None
    cents: Decimal  # what is shown for the total on this basis, booked or not


@dataclass(frozen=True)
class Obstacle:
    """What stands in the way of closing; some can be overruled with a reason."""

    code: str
    text: str
    may_be_forced: bool


@dataclass(frozen=True)
class OwnerOutOfUse:
    """A team out of use (or that may be put so) with its costs of a month, and what gives them: rules, pools."""

    key: str
    owner: str
    cost: Decimal
    period: BillingPeriod | None  # None before the first bill
    currency: str
    rules: tuple[tuple[int, str], ...]  # pk and what the rule says
    pools: tuple[tuple[str, str], ...]  # key and name of those that name the team
    is_read: bool  # by members of a team above that is in use

    @property
    def has_any(self) -> bool:
        return bool(self.cost or self.rules or self.pools)

    @property
    def charged(self) -> str:
        """What stands on its statement and who can read it."""
        reader = "only members of the teams above it can open" if self.is_read else "no team member can open"
        month = "" if self.period is None else f" of {self.period.label}"
        return (
            f"{self.owner} is out of use, and {money(self.cost, self.currency or 'USD')}{month} is on its statement,"
            f" which {reader}."
        )

    @property
    def given_by(self) -> str:
        """The rules and pools in words; '' where none names it."""
        rules = "; ".join(text for _, text in self.rules)
        pools = ", ".join(name for _, name in self.pools)
        parts = [
            f"Rules that give it costs: {rules}." if rules else "",
            f"Pools that name it: {pools}." if pools else "",
        ]
        return " ".join(part for part in parts if part)

    @property
    def text(self) -> str:
        """All of it, for files, the API and commands."""
        return f"{self.charged} {self.given_by}".strip()


@dataclass(frozen=True)
class CloseEventRow:
    """Who did what, when and why."""

    what: str
    version: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class VersionRow:
    """One version of a month or of a statement of it. `reopened_why` is what was said when it was reopened."""

    version: int
    state: str
    number: str
    basis: str
    closed_at: datetime
    reopened_at: datetime | None
    reopened_why: str
    hash: str


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
    """A line in dispute. `pk` only for FinOps staff (0 for others).

    `version` is the one it was raised on, `standing` what became of the line where that was reopened.
    """

    pk: int
    ref: str
    period: BillingPeriod
    currency: str
    version: int
    is_reopened: bool
    standing: str
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

    `charged_basis` is what it was closed on, '' while it is open. On another one it has no number, and what is booked
    is None.
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
    unallocated_booked: Decimal | None
    difference: Decimal
    booked_total: Decimal | None
    booked_difference: Decimal | None
    obstacles: tuple[Obstacle, ...]
    warnings: tuple[str, ...]
    open_disputes: int
    events: tuple[CloseEventRow, ...]
    rules: tuple[str, ...]
    versions: tuple[VersionRow, ...]
    out_of_use: tuple[OwnerOutOfUse, ...] = ()  # of a preview; `warnings` say it too
    superseded: str = ""  # of a version that was reopened: when, why, and what came after it
    charged_basis: str = ""
    unallocated_cents: Decimal = ZERO  # as `cents` of a row, and what is left over in them
    difference_cents: Decimal = ZERO

    @property
    def is_superseded(self) -> bool:
        return self.state == "reopened"

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def is_as_charged(self) -> bool:
        """Whether the figures are the amounts charged, or those that would be."""
        return self.charged_basis in ("", self.metric.value)

    @property
    def other_warnings(self) -> tuple[str, ...]:
        """Without those that stand in `out_of_use`."""
        told = {item.text for item in self.out_of_use}
        return tuple(text for text in self.warnings if text not in told)

    @property
    def owners_cost(self) -> Decimal:
        """Σ rows, exact."""
        return sum((row.total_cost for row in self.rows), ZERO)

    @property
    def owners_total(self) -> Decimal | None:
        """Σ rows, as booked; None where nothing is."""
        booked = [row.booked for row in self.rows if row.booked is not None]
        return sum(booked, ZERO) if self.is_as_charged else None

    @property
    def tiles(self) -> tuple[Decimal, ...]:
        """Statements, unallocated and difference in the cents of the documents, which add up."""
        return (sum((row.cents for row in self.rows), ZERO), self.unallocated_cents, self.difference_cents)
