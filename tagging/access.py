"""From a user to what they may see. The only place that decides it."""

from collections.abc import Collection

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser
from django.http import HttpRequest

from costs.reading import read_once
from costs.scope import Scope
from tagging.models import Team, TeamRow
from tagging.terms import FINOPS_GROUP, MemberRole

# Where the session keeps whose eyes FinOps staff look with.
VIEW_AS_SESSION_KEY = "view_as_user"
Roles = tuple[tuple[TeamRow, str, bool], ...]  # team, the user's role in it, whether the user is FinOps staff


def is_finops(user: AbstractUser | AnonymousUser | AbstractBaseUser) -> bool:
    """Whether the user is FinOps staff: in the group, or a superuser. Asked once per user object."""
    return _is_finops(user, ())


def is_viewing_as(request: HttpRequest) -> bool:
    """Whether FinOps staff are looking with another user's eyes (set by AccessMiddleware)."""
    return getattr(request, "view_as", None) is not None


def scope_of(user: AbstractUser | AnonymousUser | AbstractBaseUser) -> Scope:
    """Everything for FinOps staff; own teams and all their sub-teams for members; nothing for others."""
    if not user.is_authenticated:
        return Scope.teams(frozenset())
    roles = () if getattr(user, "is_superuser", False) else _roles_of(user.pk)
    if _is_finops(user, roles):
        return Scope.all()
    return Scope.teams(_with_sub_teams(roles, tuple(MemberRole)))


def leads(user: AbstractUser | AnonymousUser | AbstractBaseUser, team_key: str) -> bool:
    """Whether the user leads this team or one above it; viewers look and change nothing."""
    return team_key in led_keys(user)


def led_keys(user: AbstractUser | AnonymousUser | AbstractBaseUser) -> frozenset[str]:
    """Keys of the teams the user leads, with all their sub-teams."""
    if not user.is_authenticated:
        return frozenset()
    return _with_sub_teams(_roles_of(user.pk), (MemberRole.LEAD,))


def may_act_for(user: AbstractUser | AnonymousUser | AbstractBaseUser, owner_key: str) -> bool:
    """FinOps staff, and who leads the team that owns it: findings, disputes, doubts. Viewers change nothing."""
    return is_finops(user) or bool(owner_key and leads(user, owner_key))


def _is_finops(user: AbstractUser | AnonymousUser | AbstractBaseUser, roles: Roles) -> bool:
    """The same; roles that were read already say it without another query."""
    if not isinstance(user, AbstractUser) or not user.is_active:
        return False
    memo = user.__dict__  # once per user object, so once per request
    if "is_finops" not in memo:
        memo["is_finops"] = user.is_superuser or (
            roles[0][2] if roles else user.groups.filter(name=FINOPS_GROUP).exists()
        )
    return bool(memo["is_finops"])


def _roles_of(user_pk: int) -> Roles:
    """All teams with the user's role in each, and whether the user is FinOps staff. Read once within a page."""
    return read_once(("roles of", user_pk), lambda: Team.objects.outline_for(user_pk, FINOPS_GROUP))


def _with_sub_teams(roles: Roles, wanted: Collection[MemberRole]) -> frozenset[str]:
    """Keys of the active teams with one of these roles, and of all below them."""
    return Team.objects.with_sub_teams({team.pk for team, role, _ in roles if team.is_active and role in wanted})
