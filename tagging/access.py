"""From a user to what they may see. The only place that decides it."""

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser
from django.http import HttpRequest

from costs.scope import Scope
from tagging.models import Membership, Team
from tagging.terms import FINOPS_GROUP, MemberRole

# Where the session keeps whose eyes FinOps staff look with.
VIEW_AS_SESSION_KEY = "view_as_user"


def is_finops(user: AbstractUser | AnonymousUser | AbstractBaseUser) -> bool:
    """Whether the user is FinOps staff: in the group, or a superuser. Asked once per user object."""
    if not isinstance(user, AbstractUser) or not user.is_active:
        return False
    memo = user.__dict__  # once per user object, so once per request
    if "is_finops" not in memo:
        memo["is_finops"] = user.is_superuser or user.groups.filter(name=FINOPS_GROUP).exists()
    return bool(memo["is_finops"])


def is_viewing_as(request: HttpRequest) -> bool:
    """Whether FinOps staff are looking with another user's eyes (set by AccessMiddleware)."""
    return getattr(request, "view_as", None) is not None


def scope_of(user: AbstractUser | AnonymousUser | AbstractBaseUser) -> Scope:
    """Everything for FinOps staff; own teams and all their sub-teams for members; nothing for others."""
    if is_finops(user):
        return Scope.all()
    if not user.is_authenticated:
        return Scope.teams(frozenset())
    own = set(Membership.objects.filter(user_id=user.pk, team__is_active=True).values_list("team_id", flat=True))
    return Scope.teams(Team.objects.with_sub_teams(own)) if own else Scope.teams(frozenset())


def leads(user: AbstractUser | AnonymousUser | AbstractBaseUser, team_key: str) -> bool:
    """Whether the user leads this team or one above it; viewers look and change nothing."""
    return team_key in led_keys(user)


def led_keys(user: AbstractUser | AnonymousUser | AbstractBaseUser) -> frozenset[str]:
    """Keys of the teams the user leads, with all their sub-teams."""
    if not user.is_authenticated:
        return frozenset()
    own = Membership.objects.filter(user_id=user.pk, team__is_active=True, role=MemberRole.LEAD.value)
    led = set(own.values_list("team_id", flat=True))
    return Team.objects.with_sub_teams(led) if led else frozenset()


def may_change_finding(user: AbstractUser | AnonymousUser | AbstractBaseUser, owner_key: str) -> bool:
    """FinOps staff, and who leads the owning team; viewers look and change nothing."""
    return is_finops(user) or bool(owner_key and leads(user, owner_key))
