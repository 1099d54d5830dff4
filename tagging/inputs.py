"""What tagging's services take: frozen values, checked by the services themselves."""

from dataclasses import dataclass

from costs.periods import BillingPeriod
from tagging.terms import MemberRole, RuleKind


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
    """An allocation rule. Empty `team_key` gives its costs to nobody; `to_period` is exclusive."""

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
