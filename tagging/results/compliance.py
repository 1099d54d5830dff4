"""Tags: compliance, resources, the policy."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.tags import name_pattern
from costs.terms import CostMetric
from tagging.results.made_rows import MadeRows
from tagging.terms import TagState, UnreadReason


@dataclass(frozen=True)
class KeyCompliance:
    """One key of the policy. present + missing + exempt = resources; invalid is within present."""

    key: str
    present: int
    missing: int
    invalid: int
    compliant_ratio: Decimal | None  # (present − invalid) ÷ (resources − exempt)
    compliant_cost: Decimal
    cost_ratio: Decimal | None  # compliant_cost ÷ judged_cost
    judged_cost: Decimal
    exempt: int = 0


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
class InvalidValue:
    """A value that the policy does not allow under its key, and the resources that carry it."""

    key: str
    value: str
    resources: int
    cost: Decimal


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
    suggested: tuple[tuple[str, str], ...] = ()  # values of virtual tags, where the resource itself has none

    @property
    def keys_to_fix(self) -> tuple[str, ...]:
        """Keys that are missing or not allowed."""
        return tuple(key for key, state in self.states if state in (TagState.MISSING, TagState.INVALID))


@dataclass(frozen=True)
class UnreadKey:
    """A key that a month was not read for, so that nothing there is called missing. `values` only where refused."""

    key: str
    period: BillingPeriod
    reason: UnreadReason
    values: int | None = None

    @property
    def what(self) -> str:
        """What a month is to be read for, in words."""
        pattern = name_pattern(self.key)
        return f"names like {pattern}" if pattern else f"tag {self.key}"

    @property
    def text(self) -> str:
        """The same in words."""
        what = self.what
        whats = what[0].upper() + what[1:]
        if self.reason is UnreadReason.PENDING:
            return f"{self.period.label} is being re-read for {what}"
        if self.reason is UnreadReason.TOO_MANY_VALUES:
            values = f"{self.values:,}"
            return f"{whats} has {values} values in {self.period.label}, too many to be tracked"
        if self.reason is UnreadReason.NOT_TRACKED:
            return f"{whats} is not tracked in {self.period.label}"
        return f"{self.period.label} was not read for {what} yet"


@dataclass(frozen=True)
class CostliestResources:
    """The costliest resources of the month and the costliest to fix; `total` and `count` are of all of them."""

    rows: tuple[ResourceRow, ...]
    fixes: tuple[ResourceRow, ...]
    total: Decimal
    count: int
    currency: str


class OrderedRows(MadeRows[ResourceRow]):
    """Rows in an order of one's choice."""

    @abstractmethod
    def ordered(self, keys: Sequence[tuple[str, bool]]) -> "OrderedRows":
        """The same by these fields of a row (and whether from the highest down), the first one first."""

    @abstractmethod
    def field(self, name: str) -> Callable[[Any], Any]:
        """What the row of an entry will say under this name: cost, resource_id, and where and whose it is."""

    @property
    @abstractmethod
    def to_fix(self) -> int:
        """How many of them do not comply."""

    @property
    @abstractmethod
    def has_suggested(self) -> bool:
        """Whether any of them has a value of ours."""


@dataclass(frozen=True)
class ResourceTable:
    """Taggable resources of the month, largest cost first; all of them, the caller cuts pages. Rows are made when they
    are asked for: there may be a hundred thousand.

    They are judged on `policy_keys`, the required ones but for `unread_keys`.
    """

    period: BillingPeriod
    metric: CostMetric
    currency: str
    policy_keys: tuple[str, ...]
    rows: OrderedRows
    total: Decimal
    unread_keys: tuple[UnreadKey, ...] = ()


@dataclass(frozen=True)
class Compliance:
    """A month's tag compliance, by count of resources and by money over taggable charges.

    `fixes` are the resources whose repair brings most money into the compliant share, at most ten.
    Required keys the month was not read for stand in `unread_keys` and take part in no figure.
    Taggable, exempt and untaggable cost are all costs of the reader's month; exempt is what is excused from every key.
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
    fixes: tuple[ResourceRow, ...]
    unread_keys: tuple[UnreadKey, ...] = ()
    by_service: tuple[GroupCompliance, ...] = ()
    by_region: tuple[GroupCompliance, ...] = ()
    by_account: tuple[GroupCompliance, ...] = ()
    by_team: tuple[GroupCompliance, ...] = ()
    by_environment: tuple[GroupCompliance, ...] = ()
    exempt_resources: int = 0
    exempt_cost: Decimal = ZERO
    untaggable_cost: Decimal | None = None


@dataclass(frozen=True)
class PolicyKey:
    """A key of the policy with what its values may be (empty: any text)."""

    key: str
    is_required: bool
    is_tracked: bool
    allowed_values: tuple[str, ...]
