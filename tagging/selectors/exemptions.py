"""Exemptions and untaggable charges as their keepers read them; a team sees what excuses its own resources."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from costs.scope import Scope
from tagging.models import Exemption, UntaggableCharge


@dataclass(frozen=True)
class ExemptionRow:
    """An exemption as of a day. `pk` is 0 for a team, which cannot change it."""

    pk: int
    resource: str
    account: str
    service: str
    team_key: str
    team_name: str
    keys: tuple[str, ...]
    reason: str
    author: str
    since: date
    until: date
    state: str  # active, ended, later

    @property
    def subject(self) -> str:
        """Who is excused, in words."""
        parts = (
            f"resources {self.resource}" if "*" in self.resource else self.resource,
            f"account {self.account}" if self.account else "",
            self.service,
            f"team {self.team_name}" if self.team_name else "",
        )
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class UntaggableRow:
    """Charges set aside. Staff only."""

    pk: int
    service_name: str
    usage_type: str
    reason: str
    author: str


def exemptions(scope: Scope, *, today: date) -> tuple[ExemptionRow, ...]:
    """All exemptions for staff, newest end first; for a team those that name it, which say nothing of others."""
    found = Exemption.objects.select_related("team", "author").order_by("-until", "pk")
    if not scope.everything:
        found = found.filter(Q(team__key__in=scope.team_keys))
    return tuple(
        ExemptionRow(
            pk=item.pk if scope.everything else 0,
            resource=item.resource,
            account=item.sub_account_id,
            service=item.service_name,
            team_key="" if item.team is None else item.team.key,
            team_name="" if item.team is None else item.team.name,
            keys=tuple(item.keys),
            reason=item.reason,
            author=item.author.get_username() if item.author is not None and scope.everything else "",
            since=item.since,
            until=item.until,
            state="ended" if item.until < today else "later" if item.since > today else "active",
        )
        for item in found
    )


def untaggable_list(scope: Scope) -> tuple[UntaggableRow, ...]:
    """What is set aside by hand. Staff only (NotFoundInScopeError)."""
    scope.require_everything()
    return tuple(
        UntaggableRow(
            pk=item.pk,
            service_name=item.service_name,
            usage_type=item.usage_type,
            reason=item.reason,
            author="" if item.author is None else item.author.get_username(),
        )
        for item in UntaggableCharge.objects.select_related("author")
    )
