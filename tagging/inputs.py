"""What tagging's services take: frozen values, checked by the services themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from costs.periods import BillingPeriod
from tagging.pools import Target
from tagging.terms import MemberRole, RuleKind, SplitMethod, Weighing


@dataclass(frozen=True)
class TeamInput:
    """A team to make or change. `key` is made from the name where it is empty and never changes after."""

    name: str
    key: str = ""
    cost_center: str = ""
    parent_key: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class RuleInput:
    """An allocation rule. `team_key` is an owner's key (`tagging.owners`), empty for nobody; `to_period` is exclusive.

    Rules of kind name have their patterns in `tag_values`, those of kind condition a tree in `condition`.
    """

    kind: RuleKind
    name: str = ""
    tag_key: str = ""
    tag_values: tuple[str, ...] = ()
    sub_account_id: str = ""
    team_key: str = ""
    from_period: BillingPeriod | None = None
    to_period: BillingPeriod | None = None
    is_active: bool = True
    reason: str = ""
    condition: Mapping[str, Any] = field(default_factory=dict)
    charge_kind: str = ""


@dataclass(frozen=True)
class PoolInput:
    """How a pool is split from `from_period` on (None: from the beginning, or the first month that is open).

    `key` is empty for a new pool. `driver_key` names a driver; `to_period` is exclusive.
    """

    name: str
    method: SplitMethod
    key: str = ""
    weighing: Weighing = Weighing.DIRECT
    services: tuple[str, ...] = ()
    driver_key: str = ""
    targets: tuple[Target, ...] = ()
    rest_to: str = ""
    is_open: bool = False
    from_period: BillingPeriod | None = None
    to_period: BillingPeriod | None = None
    reason: str = ""
    charge_kind: str = ""


@dataclass(frozen=True)
class TeamChoice:
    """One accepted team of a setup proposal: its name, the tag values and the accounts that are its own."""

    name: str
    tag_values: tuple[str, ...] = ()
    sub_account_ids: tuple[str, ...] = ()
    cost_center: str = ""


@dataclass(frozen=True)
class ProposalChoices:
    """What the FinOps lead kept of a setup proposal."""

    tag_key: str
    teams: tuple[TeamChoice, ...]


@dataclass(frozen=True)
class PersonInput:
    """An account to make. With a `team_key` the person becomes a member with `role`."""

    username: str
    email: str = ""
    full_name: str = ""
    is_finops: bool = False
    team_key: str = ""
    role: MemberRole = MemberRole.VIEWER
