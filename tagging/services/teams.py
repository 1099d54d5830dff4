"""Upkeep of teams and members. Whoever calls has made sure the user is FinOps staff."""

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.text import slugify

from costs.errors import InvalidRequestError, NotFoundInScopeError
from tagging.inputs import TeamInput
from tagging.models import Membership, Team
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.terms import MemberRole


def create_team(team: TeamInput) -> str:
    """Make a team; returns its key. Raises InvalidRequestError for a name taken or an unknown parent."""
    name = _free_name(team.name, but=None)
    with transaction.atomic():
        key = team.key.strip() or _free_key(name)
        if Team.objects.filter(key=key).exists() or slugify(key) != key:
            raise InvalidRequestError(f"'{key}' cannot be a team key: taken, or not lower-case letters, digits and -.")
        made = Team(key=key, name=name, cost_center=team.cost_center.strip(), is_active=team.is_active)
        made.parent = _parent(team.parent_key)
        made.save()
    return made.key


def update_team(key: str, team: TeamInput) -> None:
    """Change a team, its key stays. Raises InvalidRequestError, also for a parent below itself.

    A new cost centre re-allocates the months in force.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = _team(key)
        parent = _parent(team.parent_key)
        above = parent
        while above is not None:
            if above.pk == stored.pk:
                raise InvalidRequestError(f"{stored.name} cannot stand below itself. Choose another parent.")
            above = above.parent
        center_changed = stored.cost_center != team.cost_center.strip()
        stored.name = _free_name(team.name, but=stored.pk)
        stored.cost_center = team.cost_center.strip()
        stored.parent = parent
        stored.is_active = team.is_active
        stored.save()
        if center_changed:
            reallocate()


def set_member(team_key: str, username: str, *, role: MemberRole) -> None:
    """Make the user a member or change the role. Raises InvalidRequestError for an unknown user."""
    user = get_user_model().objects.filter(username=username.strip()).first()
    if user is None:
        raise InvalidRequestError(f"There is no user '{username}'.")
    Membership.objects.update_or_create(team=_team(team_key), user=user, defaults={"role": role.value})


def remove_member(team_key: str, username: str) -> None:
    """End a membership; nothing happens where there is none."""
    for membership in Membership.objects.filter(team__key=team_key, user__username=username):
        membership.delete()


def _team(key: str) -> Team:
    found = Team.objects.filter(key=key).first()
    if found is None:
        raise NotFoundInScopeError(f"There is no team '{key}'.")
    return found


def team_or_none(key: str) -> Team | None:
    """The team of this key, None for no key. Raises InvalidRequestError for a key that no team has."""
    if not key:
        return None
    team = Team.objects.filter(key=key).first()
    if team is None:
        raise InvalidRequestError(f"There is no team '{key}'.")
    return team


def _parent(key: str) -> Team | None:
    if not key:
        return None
    parent = Team.objects.filter(key=key).first()
    if parent is None:
        raise InvalidRequestError(f"There is no team '{key}' to be the parent.")
    return parent


def _free_name(text: str, *, but: int | None) -> str:
    name = text.strip()[:120]
    if not name:
        raise InvalidRequestError("A team needs a name.")
    if Team.objects.filter(name__iexact=name).exclude(pk=but or 0).exists():
        raise InvalidRequestError(f"There is a team called '{name}' already. Choose another name.")
    return name


def _free_key(name: str) -> str:
    stem = slugify(name)[:50] or "team"
    taken = set(Team.objects.filter(key__startswith=stem).values_list("key", flat=True))
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if key not in taken)
