"""The month by owner, and statements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from costs.adding import NOT_BOOKED, Booked, Sums, shown_cents
from costs.money import ZERO, cents_that_sum
from costs.periods import BillingPeriod, DateRange
from costs.terms import CostMetric
from tagging.results.pools import BothPrices, OwnShare
from tagging.terms import OwnerKind

OWNER_SUMS = Sums(
    "total_cost", ("direct_cost", "shared_cost", "adjustment_cost"), before="previous_total_cost", change="change"
)


@dataclass(frozen=True)
class CloseInfo:
    """Where a month stands. An open one has no version; figures of a closed one never move.

    For a team `carried_in` and `pending_adjustment` are its own, and of the bill it is told nothing: the version
    is empty, `hash` is that of its own statement.
    """

    state: str = "open"
    version: int = 0
    number: str = ""
    bill_version: str = ""
    carried_in: Decimal = ZERO
    pending_adjustment: Decimal = ZERO
    hash: str = ""
    closed_at: datetime | None = None
    basis: str = ""  # what the month was closed on: its statements charge these amounts
    is_as_charged: bool = True  # whether the figures beside it are those amounts; else they have no number
    reopened_at: datetime | None = None
    reopened_why: str = ""
    replaced_by: int = 0  # the next version, 0 for none; for a team the next one with a statement of its own

    @property
    def is_closed(self) -> bool:
        """Whether figures come from stored statements."""
        return self.state in ("closed", "final", "reopened")

    @property
    def is_superseded(self) -> bool:
        """Whether it is a version that was reopened and counts no more: shown where it is asked for by number."""
        return self.state == "reopened"

    @property
    def superseded(self) -> str:
        """`Version 1, reopened on 10 March 2026 for: wrong rule; replaced by version 2`; '' of what counts."""
        if not self.is_superseded or self.reopened_at is None:
            return ""
        on = f"{self.reopened_at.day} {self.reopened_at:%B %Y}"
        after = f"replaced by version {self.replaced_by}" if self.replaced_by else "there is no later version of it"
        why = f" for: {self.reopened_why}" if self.reopened_why else ""
        return f"Version {self.version}, reopened on {on}{why}; {after}"


@dataclass(frozen=True)
class ChargebackRow:
    """total = direct + shared + adjustment.

    `key` is the owner as a filter takes it, `owner` its name for files (team name, account number, tag
    value), `label` the same for people (account name and number).
    """

    key: str
    owner: str
    label: str
    direct_cost: Decimal
    shared_cost: Decimal
    adjustment_cost: Decimal
    total_cost: Decimal
    previous_total_cost: Decimal
    owner_kind: OwnerKind | None = None  # by team only, where pools and cost centres are rows too
    suggested_cost: Decimal = ZERO  # of resources that a virtual tag puts there, where that was asked


@dataclass(frozen=True)
class Chargeback:
    """A month by owner. Costs without the key are no row: `missing_cost` (of what the reader sees).

    For staff `missing_cost == unallocated_cost` and Σ rows + unallocated + difference = bill total,
    plus what was carried in where the month is closed.
    By team, pools are rows: their direct costs and, below zero, what left them; `pools_cost` is what stays in all.
    Owners who had costs before and have none now are rows too. Previous costs are those of the days
    `compared`: the month before, up to the same day while this month is not full; None where it has no costs.
    """

    period: BillingPeriod
    by: str
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    rows: tuple[ChargebackRow, ...]
    total_cost: Decimal
    missing_cost: Decimal
    previous_missing_cost: Decimal
    compared: DateRange | None
    bill_total: Decimal | None
    unallocated_cost: Decimal | None
    difference: Decimal | None
    pools_cost: Decimal | None = None
    close: CloseInfo = field(default_factory=CloseInfo)
    missing_shared_cost: Decimal = ZERO  # of `missing_cost`; what is left of it is direct
    missing_adjustment_cost: Decimal = ZERO
    booked: Mapping[str, Decimal] = field(default_factory=dict)  # by team, closed: totals in cents of the documents

    @property
    def cents(self) -> tuple[Decimal, Decimal, Decimal]:
        """Owners, missing and difference in cents that add up."""
        return owned_in_cents(self.booked, self.total_cost, self.missing_cost, self.difference)

    @property
    def shown(self) -> list[dict[str, Decimal]]:
        """The rows' amounts in cents that sum to what has an owner, by the names of `OWNER_SUMS`."""
        sums = OWNER_SUMS.within(vars(self.rows[0])) if self.rows else OWNER_SUMS
        amounts = [{name: getattr(row, name) for name in sums.names} for row in self.rows]
        return shown_cents(amounts, sums, [Booked(self.booked.get(row.key)) for row in self.rows], whole=self.cents[0])


def owned_in_cents(
    booked: Mapping[str, Decimal], total: Decimal, missing: Decimal, difference: Decimal | None
) -> tuple[Decimal, Decimal, Decimal]:
    """What has an owner, what has none and the difference, in cents: as booked by owner key, else as the trust strip
    has them, rounded together."""
    if not booked:
        owned, rest, over = cents_that_sum((total, missing, difference or ZERO))
        return owned, rest, over
    rest = booked.get("", ZERO)
    return sum(booked.values(), ZERO) - rest, rest, difference or ZERO


@dataclass(frozen=True)
class StatementSummary:
    """A team's month in one line. `state` is `draft` until the month is closed, then `closed` or `final`."""

    team_key: str
    team_name: str
    cost_center: str
    direct_cost: Decimal
    shared_cost: Decimal
    adjustment_cost: Decimal
    total_cost: Decimal
    previous_total_cost: Decimal
    change: Decimal
    state: str
    owner_kind: OwnerKind = OwnerKind.TEAM


@dataclass(frozen=True)
class StatementLine:
    """Costs of the team in one service, account and charge category, a share of a pool, or a correction.

    `origin` is the month a correction is of. `ref` names the line of a closed month, to dispute it. `suggested_cost`
    is what virtual tags of ours put there, on lines of direct costs; None where that is not known or not traced.
    """

    service_name: str
    sub_account_id: str
    sub_account_name: str
    charge_category: str
    cost: Decimal
    kind: str = "direct"
    pool_name: str = ""
    origin: str = ""
    ref: str = ""
    list_cost: Decimal = ZERO
    suggested_cost: Decimal | None = None


@dataclass(frozen=True)
class Statement:
    """A team's month with its lines, largest first; Σ shares = shared cost.

    Σ lines = total cost of a closed month, direct cost of an open one. `prices` are of usage under commitments; None
    where there is none. `compared` as in `Chargeback`. `suggested_cost` is what of direct costs virtual tags of ours
    put there, Σ of the lines' own; None where it was not asked, and of months closed before it was kept.
    """

    period: BillingPeriod
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    summary: StatementSummary
    lines: tuple[StatementLine, ...]
    compared: DateRange | None
    shares: tuple[OwnShare, ...] = ()
    prices: BothPrices | None = None
    close: CloseInfo = field(default_factory=CloseInfo)
    booked: Decimal | None = None  # the total in cents as the document books it; None while the month is open
    suggested_cost: Decimal | None = None
    suggested_booked: Decimal | None = None  # the same in the document's cents
    cents: Booked = NOT_BOOKED  # of a closed month, on the basis that is shown, charged on it or not
    # Of a version that counts no more: of which version the month before is shown, 0 for as it is today; else None.
    compared_version: int | None = None

    @property
    def compared_label(self) -> str:
        """The days before that changes are against, and of a version as closed when; '' where there is nothing."""
        if self.compared is None:
            return ""
        if self.compared_version is None:
            return self.compared.label
        then = f"as closed by then, in version {self.compared_version}" if self.compared_version else "as it is today"
        return f"{self.compared.label} {then}"


@dataclass(frozen=True)
class StatementList:
    """All statements the reader may see, by size of change; bill figures for staff only.

    `compared` as in `Chargeback`. `booked` are totals in the cents of documents of a closed month, by owner key, '' for
    nobody's; before: of the month before, where that is closed.
    """

    period: BillingPeriod
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    rows: tuple[StatementSummary, ...]
    total_cost: Decimal
    bill_total: Decimal | None
    unallocated_cost: Decimal | None
    unallocated_previous_cost: Decimal | None
    compared: DateRange | None
    difference: Decimal | None
    pools_cost: Decimal | None = None
    close: CloseInfo = field(default_factory=CloseInfo)
    unallocated_shared_cost: Decimal = ZERO  # of `unallocated_cost`; what is left of it is direct
    unallocated_adjustment_cost: Decimal = ZERO
    booked: Mapping[str, Booked] = field(default_factory=dict)
