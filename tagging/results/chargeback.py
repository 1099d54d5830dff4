"""The month by owner, and statements."""

from dataclasses import dataclass
from decimal import Decimal

from costs.periods import BillingPeriod, DateRange
from costs.terms import CostMetric
from tagging.results.pools import BothPrices, OwnShare
from tagging.terms import OwnerKind


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


@dataclass(frozen=True)
class Chargeback:
    """A month by owner. Costs without the key are no row: `missing_cost` (of what the reader sees).

    For staff `missing_cost == unallocated_cost` and Σ rows + unallocated + difference = bill total.
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


@dataclass(frozen=True)
class StatementSummary:
    """A team's month in one line. `state` is `draft` until months can be closed."""

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
    """Direct costs of the team in one service, account and charge category."""

    service_name: str
    sub_account_id: str
    sub_account_name: str
    charge_category: str
    cost: Decimal


@dataclass(frozen=True)
class Statement:
    """A team's month with its lines, largest first; Σ lines = direct cost, Σ shares = shared cost.

    `prices` are of usage under commitments; None where there is none. `compared` as in `Chargeback`.
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


@dataclass(frozen=True)
class StatementList:
    """All statements the reader may see, by size of change; bill figures for staff only.

    `compared` as in `Chargeback`.
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
