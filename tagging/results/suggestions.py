"""Suggested tags and virtual tags as pages, files and the API show them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from costs.periods import BillingPeriod


@dataclass(frozen=True)
class SuggestionRow:
    """A tag suggested for a resource. `ref` is what it is decided by: `s…`, or `p…` for a team's proposal."""

    ref: str
    audience: str
    resource_key: int  # never shown
    resource_id: str
    name: str
    service_name: str
    sub_account_id: str
    region_id: str
    team_key: str
    team_name: str
    key: str
    value: str
    confidence: float
    evidence: tuple[str, ...]
    monthly_cost: Decimal
    state: str  # '', or proposed
    proposed_by: str = ""
    reason: str = ""

    @property
    def like_cases(self) -> str:
        """The confidence as people read it, never rounded up."""
        return f"right in {int(self.confidence * 100)} of 100 like cases"


@dataclass(frozen=True)
class SuggestionKey:
    """A key of the policy: how many carry it, how many lack it, how many of these got a suggestion."""

    key: str
    known: int
    lacking: int
    suggested: int


@dataclass(frozen=True)
class SuggestionTable:
    """Suggestions within a reader's scope, dearest first; proposals by teams before the others."""

    period: BillingPeriod | None
    currency: str
    made_at: datetime | None
    rows: tuple[SuggestionRow, ...]
    keys: tuple[SuggestionKey, ...]
    other_currencies: tuple[str, ...] = ()

    @property
    def cost(self) -> Decimal:
        """What the resources cost a month, each once."""
        return sum({row.resource_key: row.monthly_cost for row in self.rows}.values(), Decimal(0))

    @property
    def resources(self) -> int:
        return len({row.resource_key for row in self.rows})

    @property
    def why_none(self) -> str:
        """Why there is nothing to show, in words."""
        if self.made_at is None:
            return "Suggestions are made after every import. None has been made yet."
        if not any(key.lacking for key in self.keys):
            return "No taggable resource lacks a required key."
        short = [key.key for key in self.keys if key.lacking and key.known < LEAST_KNOWN]
        if len(short) == sum(bool(key.lacking) for key in self.keys):
            return (
                f"Too few resources carry {', '.join(short)} to learn from: at least {LEAST_KNOWN} with a value the"
                " policy allows are needed for each key."
            )
        return "Nothing that could be suggested was right often enough in like cases, so it is not shown."


LEAST_KNOWN = 32  # with fewer, all right, the confidence stays under 95 %


@dataclass(frozen=True)
class VirtualTagRow:
    """A virtual tag with its story."""

    pk: int
    resource_id: str
    key: str
    value: str
    from_period: BillingPeriod
    to_period: BillingPeriod | None
    origin: str
    proposed_by: str
    confidence: float
    evidence: tuple[str, ...]
    reason: str
    author: str
    created_at: datetime
    ended_by: str
    ended_at: datetime | None
    end_reason: str
    monthly_cost: Decimal  # of the resource in the newest month
    superseded_by: str = ""  # the value the resource itself carries by now

    @property
    def state(self) -> str:
        if self.to_period is not None:
            return "ended"
        return "superseded" if self.superseded_by else "in force"
