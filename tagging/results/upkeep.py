"""Trust, teams, rules and the set-up proposal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from costs.money import cents_that_sum
from costs.periods import BillingPeriod
from costs.terms import CostMetric
from tagging.terms import MemberRole, RuleKind


@dataclass(frozen=True)
class Trust:
    """Whether a month's figures can be relied on. Figures and source names are None or empty for teams."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    has_costs: bool
    ties_out: bool
    imported_at: datetime | None
    is_open: bool
    sources: tuple[str, ...]
    bill_total: Decimal | None
    owners_total: Decimal | None
    unallocated_cost: Decimal | None
    difference: Decimal | None
    state: str = "open"  # of the month's close: open, closed or final; `is_open` is the provider's bill
    is_closed: bool = False  # then statements have their own figures, and these are of the bill in force
    closed_on: str = ""  # the bill version of the statements
    closed_on_in_force: bool = False

    @property
    def cents(self) -> tuple[Decimal, ...]:
        """Owners, unallocated and difference as people read them: cents that add up to the bill's. Empty for teams."""
        if self.owners_total is None or self.unallocated_cost is None or self.difference is None:
            return ()
        return tuple(cents_that_sum((self.owners_total, self.unallocated_cost, self.difference)))


@dataclass(frozen=True)
class TeamView:
    """A team as its reader may see it; `parent_key` is empty where the parent is not theirs to see."""

    key: str
    name: str
    cost_center: str
    parent_key: str
    parent_name: str
    is_active: bool


@dataclass(frozen=True)
class MemberView:
    """A user's role in a team."""

    username: str
    full_name: str
    email: str
    role: MemberRole


@dataclass(frozen=True)
class RuleView:
    """One allocation rule in order, for FinOps staff. `team_key` is the owner's key (`tagging.owners`)."""

    pk: int
    position: int
    name: str
    text: str
    kind: RuleKind
    tag_key: str
    tag_values: tuple[str, ...]
    sub_account_id: str
    team_key: str
    team_name: str
    from_period: BillingPeriod | None
    to_period: BillingPeriod | None
    is_active: bool
    reason: str
    condition: Mapping[str, Any] = field(default_factory=dict)
    charge_kind: str = ""
    is_replaced: bool = False  # a change made another row of it
    version: str = ""

    def is_used(self, first_open: BillingPeriod | None) -> bool:
        """Whether it decides in any month that is open."""
        return self.is_active and not (first_open and self.to_period and self.to_period <= first_open)


@dataclass(frozen=True)
class KeyCandidate:
    """A tag key that could name teams, with the money that carries it."""

    key: str
    covered_cost: Decimal
    covered_ratio: Decimal | None
    values: tuple[str, ...]


@dataclass(frozen=True)
class ProposedTeam:
    """A team to be, the values that mean it, and what it would get by tag and by account."""

    key: str
    name: str
    tag_values: tuple[str, ...]
    sub_account_ids: tuple[str, ...]
    tag_cost: Decimal
    account_cost: Decimal

    @property
    def cost(self) -> Decimal:
        return self.tag_cost + self.account_cost


@dataclass(frozen=True)
class SetupProposal:
    """Teams, aliases and rules read from a month's tags and accounts. Σ teams + unallocated = total."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    tag_key: str
    candidates: tuple[KeyCandidate, ...]
    teams: tuple[ProposedTeam, ...]
    account_names: tuple[tuple[str, str], ...]
    unallocated_cost: Decimal
    total: Decimal
