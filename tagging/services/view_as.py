"""FinOps staff looking with another user's eyes; the log of it."""

from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from tagging.access import is_finops
from tagging.models import ViewAs


def start_view_as(staff: AbstractBaseUser, username: str, *, now: datetime) -> int:
    """Log the start; returns the viewed user's pk for the session (`VIEW_AS_SESSION_KEY`).

    Raises NotFoundInScopeError where `staff` is not FinOps staff, InvalidRequestError for a user who is
    unknown, inactive or FinOps staff too (who see what `staff` sees).
    """
    if not is_finops(staff):
        raise NotFoundInScopeError("Nothing here.")
    viewed = get_user_model().objects.filter(username=username.strip(), is_active=True).first()
    if viewed is None:
        raise InvalidRequestError(f"There is no active user '{username}'.")
    if is_finops(viewed):
        raise InvalidRequestError(f"{username} is FinOps staff and sees what you see. Choose a member of a team.")
    with transaction.atomic():
        stop_view_as(staff, now=now)
        ViewAs.objects.create(staff_id=staff.pk, viewed=viewed, started_at=now)
    return int(viewed.pk)


def stop_view_as(staff: AbstractBaseUser, *, now: datetime) -> None:
    """Log the end of every open look of this staff member."""
    ViewAs.objects.filter(staff_id=staff.pk, ended_at__isnull=True).update(ended_at=now)
