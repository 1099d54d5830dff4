"""Why is this mine: rules, slices, lines."""

from dataclasses import dataclass
from decimal import Decimal

from costs.periods import BillingPeriod
from costs.selectors import Line
from costs.terms import CostMetric


@dataclass(frozen=True)
class Decision:
    """One rule and what it matched. `ref` names it in URLs and filters (`("decision", ref)`)."""

    ref: str
    rule_text: str
    matched_text: str
    cost: Decimal
    slice_count: int


@dataclass(frozen=True)
class Decisions:
    """What made these costs this owner's, largest first; Σ rows = total. No team means nobody."""

    period: BillingPeriod
    team_key: str
    team_name: str
    metric: CostMetric
    currency: str
    rows: tuple[Decision, ...]
    total: Decimal


@dataclass(frozen=True)
class SliceRow:
    """One slice (all that rules can see of a cost) and its month."""

    service_name: str
    sub_account_id: str
    sub_account_name: str
    region_id: str
    usage_type: str
    operation: str
    charge_category: str
    line_kind: str
    tags: tuple[tuple[str, str], ...]
    rule_text: str
    matched_text: str
    cost: Decimal


@dataclass(frozen=True)
class ChargeLines:
    """One page of lines. `total_cost` and `line_count` cover all pages; the total equals the figure drilled."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    total_cost: Decimal
    line_count: int
    page: int
    page_size: int
    rows: tuple[Line, ...]

    @property
    def page_count(self) -> int:
        return max(1, -(-self.line_count // self.page_size))
