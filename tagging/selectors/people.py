"""People and what they may see, for FinOps staff; the log of looking with another's eyes."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from costs.errors import NotFoundInScopeError
from costs.scope import Scope
from tagging.models import Membership, ViewAs
from tagging.terms import FINOPS_GROUP, MemberRole

LOG_SHOWN = 50


@dataclass(frozen=True)
class TeamRole:
    """A team and the person's role in it."""

    team_key: str
    team_name: str
    role: MemberRole


@dataclass(frozen=True)
class Person:
    """A user as the FinOps lead keeps them. `is_finops` covers superusers, who see everything too."""

    pk: int
    username: str
    full_name: str
    email: str
    is_active: bool
    is_finops: bool
    is_superuser: bool
    has_password: bool
    last_login: datetime | None
    teams: tuple[TeamRole, ...]


@dataclass(frozen=True)
class Look:
    """One time that FinOps staff saw pages as somebody else."""

    staff: str
    viewed: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class AccountChange:
    """One time that staff changed somebody's account."""

    staff: str
    username: str
    text: str
    changed_at: datetime


def people(scope: Scope) -> tuple[Person, ...]:
    """Everybody with an account, by user name. Staff only. Three queries."""
    scope.require_everything()
    roles: dict[int, list[TeamRole]] = defaultdict(list)
    for member in Membership.objects.select_related("team").order_by("team__name"):
        roles[member.user_id].append(TeamRole(member.team.key, member.team.name, MemberRole(member.role)))
    users = get_user_model().objects.prefetch_related("groups").order_by("username")
    return tuple(_person(user, tuple(roles[user.pk])) for user in users)


def person(scope: Scope, pk: int) -> Person:
    """One of them. Raises NotFoundInScopeError."""
    found = next((item for item in people(scope) if item.pk == pk), None)
    if found is None:
        raise NotFoundInScopeError("There is no such person.")
    return found


def active_leads(scope: Scope) -> frozenset[int]:
    """Keys of the users who may log in and lead a team in use. Staff only. One query."""
    scope.require_everything()
    leading = Membership.objects.filter(role=MemberRole.LEAD.value, team__is_active=True, user__is_active=True)
    return frozenset(leading.values_list("user_id", flat=True))


def view_as_log(scope: Scope) -> tuple[Look, ...]:
    """The newest looks, newest first. Staff only."""
    scope.require_everything()
    looks = ViewAs.objects.select_related("staff", "viewed").order_by("-started_at")[:LOG_SHOWN]
    return tuple(Look(look.staff.username, look.viewed.username, look.started_at, look.ended_at) for look in looks)


def people_changes(scope: Scope) -> tuple[AccountChange, ...]:
    """The newest changes of accounts (passwords, log-in, FinOps membership), newest first. Staff only."""
    scope.require_everything()
    entries = LogEntry.objects.filter(content_type__app_label="auth", content_type__model="user")
    return tuple(
        AccountChange(entry.user.get_username(), entry.object_repr, entry.get_change_message(), entry.action_time)
        for entry in entries.select_related("user", "content_type").order_by("-action_time", "-pk")[:LOG_SHOWN]
    )


def _person(user: User, teams: tuple[TeamRole, ...]) -> Person:
    in_group = any(group.name == FINOPS_GROUP for group in user.groups.all())
    return Person(
        pk=user.pk,
        username=user.username,
        full_name=user.get_full_name(),
        email=user.email,
        is_active=user.is_active,
        is_finops=user.is_superuser or in_group,
        is_superuser=user.is_superuser,
        has_password=user.has_usable_password(),
        last_login=user.last_login,
        teams=teams,
    )
