"""FinOps staff looking with another user's eyes; the log of it."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser


def start_view_as(staff: AbstractBaseUser, username: str, *, now: datetime) -> int:
    """Log the start; returns the viewed user's pk for the session (`VIEW_AS_SESSION_KEY`).

    Raises NotFoundInScopeError where `staff` is not FinOps staff, InvalidRequestError for a user who is
    unknown, inactive or staff's own.
    """
    raise NotImplementedError


def stop_view_as(staff: AbstractBaseUser, *, now: datetime) -> None:
    """Log the end of every open look of this staff member."""
    raise NotImplementedError
