"""What tagging's selectors answer: frozen values, safe to hand to pages, files and the API.

Money is exact Decimal in `currency` on the basis `metric`. Fields that are None for a team reader
(`bill_total`, `unallocated_cost`, `difference`, …) are figures of the whole bill. Results hold no
database keys, except those that only FinOps staff can ask for (`RuleView.pk`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from costs.periods import BillingPeriod
from costs.queries import CostQuery
from costs.terms import CostMetric
from tagging.terms import MemberRole, RuleKind, TagState

# --- explore --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CostRow:
    """One value of the dimension. `points` match `CostTable.bucket_starts`; they sum to `cost`.

    `key` is what a filter takes (`costs.queries.NOT_SET` where the costs have no value, then
    `is_missing`); `label` is for people. `previous_cost` is the same span just before.
    """

    key: str
    label: str
    cost: Decimal
    previous_cost: Decimal
    points: tuple[Decimal, ...]
    is_missing: bool = False


@dataclass(frozen=True)
class CostTable:
    """All rows, largest first, missing value last; Σ rows = total. `other_currencies` are shown apart.

    `day_count` says how many days of an unfinished month are compared; None where whole months are.
    """

    query: CostQuery
    currency: str
    other_currencies: tuple[str, ...]
    bucket_starts: tuple[date, ...]
    rows: tuple[CostRow, ...]
    total: Decimal
    previous_total: Decimal
    day_count: int | None = None


@dataclass(frozen=True)
class Mover:
    """A value whose cost changed. `change_ratio` is None where there was no cost before."""

    key: str
    label: str
    cost: Decimal
    previous_cost: Decimal
    change: Decimal
    change_ratio: Decimal | None
    is_missing: bool = False


@dataclass(frozen=True)
class Movers:
    """Like for like: the first `day_count` days of both months. Largest change (either way) first."""

    period: BillingPeriod
    previous: BillingPeriod
    by: str
    metric: CostMetric
    currency: str
    day_count: int
    is_whole_month: bool
    total: Decimal
    previous_total: Decimal
    rows: tuple[Mover, ...]


# --- chargeback -----------------------------------------------------------------------------------


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


@dataclass(frozen=True)
class Chargeback:
    """A month by owner. Costs without the key are no row: `missing_cost` (of what the reader sees).

    For staff `missing_cost == unallocated_cost` and Σ rows + unallocated + difference = bill total.
    """

    period: BillingPeriod
    by: str
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    rows: tuple[ChargebackRow, ...]
    total_cost: Decimal
    missing_cost: Decimal
    bill_total: Decimal | None
    unallocated_cost: Decimal | None
    difference: Decimal | None


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
    """A team's month with its lines, largest first; Σ lines = direct cost."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    summary: StatementSummary
    lines: tuple[StatementLine, ...]


@dataclass(frozen=True)
class StatementList:
    """All statements the reader may see, by size of change; bill figures for staff only."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    rows: tuple[StatementSummary, ...]
    total_cost: Decimal
    bill_total: Decimal | None
    unallocated_cost: Decimal | None
    difference: Decimal | None


# --- why is this mine? ----------------------------------------------------------------------------


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
class ChargeLine:
    """One line of the bill, from the charge store. `cost` is on the basis asked for."""

    charge_start: datetime
    charge_end: datetime
    service_name: str
    sub_account_id: str
    region_id: str
    resource_id: str
    usage_type: str
    operation: str
    charge_category: str
    line_kind: str
    description: str
    quantity: float
    unit: str
    cost: Decimal
    tags: tuple[tuple[str, str], ...]


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
    rows: tuple[ChargeLine, ...]

    @property
    def page_count(self) -> int:
        return max(1, -(-self.line_count // self.page_size))


# --- tags -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeyCompliance:
    """One key of the policy. present + missing = resources; invalid is within present."""

    key: str
    present: int
    missing: int
    invalid: int
    compliant_ratio: Decimal | None  # (present − invalid) ÷ resources
    compliant_cost: Decimal
    cost_ratio: Decimal | None


@dataclass(frozen=True)
class GroupCompliance:
    """All keys together within one service, region, account or team. Ratios None without a denominator."""

    key: str
    label: str
    resources: int
    compliant_resources: int
    compliance_ratio: Decimal | None
    taggable_cost: Decimal
    compliant_cost: Decimal
    cost_ratio: Decimal | None
    is_missing: bool = False


@dataclass(frozen=True)
class ResourceRow:
    """A resource's month and what the policy says of its tags. `states` and `tags` run in policy order."""

    resource_id: str
    name: str
    resource_type: str
    service_name: str
    sub_account_id: str
    sub_account_name: str
    region_id: str
    team_key: str
    team_name: str
    cost: Decimal
    states: tuple[tuple[str, TagState], ...]
    values: tuple[tuple[str, str], ...]
    is_compliant: bool

    @property
    def keys_to_fix(self) -> tuple[str, ...]:
        """Keys that are missing or not allowed."""
        return tuple(key for key, state in self.states if state is not TagState.COMPLIANT)


@dataclass(frozen=True)
class ResourceTable:
    """Taggable resources of the month, largest cost first; all of them, the caller cuts pages."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    policy_keys: tuple[str, ...]
    rows: tuple[ResourceRow, ...]
    total: Decimal


@dataclass(frozen=True)
class Compliance:
    """A month's tag compliance, by count of resources and by money over taggable charges.

    `fixes` are the resources whose repair brings most money into the compliant share, at most ten.
    """

    period: BillingPeriod
    metric: CostMetric
    currency: str
    resources: int
    compliant_resources: int
    compliance_ratio: Decimal | None
    taggable_cost: Decimal
    compliant_cost: Decimal
    cost_ratio: Decimal | None
    by_key: tuple[KeyCompliance, ...]
    by_service: tuple[GroupCompliance, ...]
    by_region: tuple[GroupCompliance, ...]
    by_account: tuple[GroupCompliance, ...]
    by_team: tuple[GroupCompliance, ...]
    fixes: tuple[ResourceRow, ...]


@dataclass(frozen=True)
class PolicyKey:
    """A key of the policy with what its values may be (empty: any text)."""

    key: str
    is_required: bool
    is_tracked: bool
    allowed_values: tuple[str, ...]


# --- trust, teams, rules, setup -------------------------------------------------------------------


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
    """One allocation rule in order, for FinOps staff."""

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
