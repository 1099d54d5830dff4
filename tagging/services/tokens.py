"""Tokens of the API: made and revoked by their owner, and revoked whenever the password or the log-in ends."""

from typing import Any

from django.contrib.auth.models import AbstractUser, User
from knox.models import AuthToken

from costs.errors import InvalidRequestError
from tagging.selectors.tokens import SHOWN_CHARACTERS

MOST_TOKENS = 20


def make_token(user: User) -> str:
    """A new token of this user, to be shown once. Raises InvalidRequestError where there are MOST_TOKENS already."""
    if AuthToken.objects.filter(user=user).count() >= MOST_TOKENS:
        raise InvalidRequestError(f"You have {MOST_TOKENS} tokens already. Revoke one that is not in use first.")
    _, token = AuthToken.objects.create(user)
    return str(token)


def revoke_token(user: User, start: str) -> bool:
    """End the user's own token that starts so (as the list of tokens shows it); whether there was one."""
    if len(start) != SHOWN_CHARACTERS:
        return False
    return bool(AuthToken.objects.filter(user=user, token_key__startswith=start).delete()[0])


def revoke_all_tokens(user: AbstractUser) -> int:
    """End all tokens of the user; returns how many there were."""
    return int(AuthToken.objects.filter(user_id=user.pk).delete()[0])


def end_tokens_with_password(instance: AbstractUser, **_: Any) -> None:
    """After a user is saved: a new password, or no log-in any more, ends every token, whoever changed it and how.

    Sessions end by themselves: Django ties them to the password and to `is_active`.
    """
    # `_password` holds a password just set until the save is over; a mere rehash of the same one leaves it None.
    has_new_password = getattr(instance, "_password", None) is not None
    if has_new_password or not instance.is_active:
        revoke_all_tokens(instance)
