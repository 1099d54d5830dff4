"""Upkeep of accounts. Whoever calls has made sure that `staff` is FinOps staff."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import get_random_string

from costs.errors import InvalidRequestError, NotFoundInScopeError
from tagging.inputs import PersonInput
from tagging.models import Team
from tagging.services.teams import set_member
from tagging.terms import FINOPS_GROUP

# Without letters and digits that look alike.
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_PASSWORD_LENGTH = 16


def create_person(person: PersonInput) -> int:
    """Make an account that cannot log in before it has a password; returns the user's pk.

    Raises InvalidRequestError for a user name or mail address that is taken or malformed, or an unknown team.
    """
    user = User(username=person.username.strip(), email=person.email.strip().lower())
    user.first_name, _, user.last_name = person.full_name.strip().partition(" ")
    user.set_unusable_password()
    if user.email and User.objects.filter(email__iexact=user.email).exists():
        raise InvalidRequestError(f"Somebody has the mail address {user.email} already.")
    try:
        user.full_clean()
    except ValidationError as error:
        raise InvalidRequestError(" ".join(error.messages)) from error
    with transaction.atomic():
        user.save()
        if person.is_finops:
            user.groups.add(_finops_group())
        if person.team_key:
            if not Team.objects.filter(key=person.team_key).exists():
                raise InvalidRequestError(f"There is no team '{person.team_key}'.")
            set_member(person.team_key, user.username, role=person.role)
    return user.pk


def give_one_time_password(pk: int, *, staff: User) -> str:
    """Set a generated password and return it, to be shown once. Raises InvalidRequestError for staff's superiors."""
    user = _changeable(pk, staff)
    password = get_random_string(_PASSWORD_LENGTH, _LETTERS)
    user.set_password(password)
    user.save(update_fields=["password"])
    note_change(user, "One-time password set", staff=staff)
    return password


def note_change(user: User, text: str, *, staff: User) -> None:
    """Keep in the log who changed whose account how."""
    LogEntry.objects.create(
        user_id=staff.pk,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=user.username,
        action_flag=CHANGE,
        change_message=text,
    )


def note_password_link(pk: int, *, staff: User) -> None:
    """Keep in the log that staff had a link to set a password sent."""
    note_change(User.objects.get(pk=pk), "Link to set a password sent", staff=staff)


def set_finops(pk: int, *, staff: User, is_finops: bool) -> None:
    """Let somebody see everything, or no longer. Nobody takes it from themselves."""
    user = _changeable(pk, staff)
    if is_finops:
        user.groups.add(_finops_group())
    else:
        user.groups.remove(_finops_group())
    note_change(user, "Made FinOps staff" if is_finops else "Taken from FinOps staff", staff=staff)


def set_active(pk: int, *, staff: User, is_active: bool) -> None:
    """Let somebody log in, or no longer; they keep their teams. Nobody shuts out themselves."""
    user = _changeable(pk, staff)
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    note_change(user, "Log-in allowed" if is_active else "Log-in stopped", staff=staff)


def _changeable(pk: int, staff: User) -> User:
    """The user, where `staff` may change them: not themselves, and no superuser unless they are one."""
    user = get_user_model().objects.filter(pk=pk).first()
    if user is None:
        raise NotFoundInScopeError("There is no such person.")
    if user.pk == staff.pk:
        raise InvalidRequestError("Ask another FinOps lead to change your own account.")
    if user.is_superuser and not staff.is_superuser:
        raise InvalidRequestError(f"{user.username} is a superuser. Only a superuser can change that account.")
    return user


def _finops_group() -> Group:
    return Group.objects.get_or_create(name=FINOPS_GROUP)[0]
