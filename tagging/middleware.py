"""Puts `request.scope` in place, and another user's eyes where FinOps staff asked for them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.defaults import page_not_found

from costs.errors import InvalidRequestError, NotFoundInScopeError, UnreadableStoreError
from costs.pages import current_moment
from costs.reading import one_reading
from tagging import services
from tagging.access import VIEW_AS_SESSION_KEY as VIEW_AS_SESSION_KEY
from tagging.access import is_finops, is_viewing_as, scope_of

logger = logging.getLogger(__name__)
# What stays possible while viewing as someone: ending it and logging out.
ALWAYS_ALLOWED = ("/view-as/stop/", "/accounts/logout/")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
API_ROOT = "/api/"
PLAIN_FORM = "application/x-www-form-urlencoded"
STOPPED = (
    "Viewing as another user has ended: that account can no longer log in, or may see everything now. "
    "You see with your own eyes again."
)


class AccessMiddleware:
    """Every view reads `request.scope`; nothing else decides what a request may see.

    While FinOps staff view as a user, `request.user` is that user, `request.view_as` the staff
    member, and everything that could write is refused with 403.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        looking = _put_eyes(request)
        if looking.ended and not request.path.startswith(API_ROOT):
            return redirect("home")
        request.scope = SimpleLazyObject(lambda: scope_of(request.user))  # type: ignore[attr-defined]
        response = _refusal(request) or self._answer(request)
        if looking.staff is not None and VIEW_AS_SESSION_KEY not in request.session:
            services.stop_view_as(looking.staff, now=current_moment())  # stopped, or logged out while looking
        if request.user.is_authenticated or looking.staff is not None:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        is_safe = request.method in SAFE_METHODS
        if is_viewing_as(request) and not is_safe and request.path not in ALWAYS_ALLOWED:
            return render(request, "403_view_as.html", status=403)
        if not is_safe:
            return self.get_response(request)
        with one_reading():
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view let through: 404 for what is not there or not theirs, 400 and 503 with what is wrong."""
        if isinstance(error, NotFoundInScopeError):
            return page_not_found(request, error)
        if isinstance(error, InvalidRequestError):
            return render(request, "400.html", {"error": error}, status=400)
        if isinstance(error, UnreadableStoreError):
            logger.error("%s: %s", request.path, error)
            told = error if is_finops(request.user) else error.FOR_OTHERS
            return render(request, "503.html", {"error": told}, status=503)
        return None


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """400 for an address or form with a NUL, which no text here has and PostgreSQL takes for an error.

    The API says so itself, naming the parameter; what comes with files is left to the forms that read it.
    """
    if request.path.startswith(API_ROOT):
        return None
    given = [request.GET, *([request.POST] if request.content_type == PLAIN_FORM else [])]
    if not any("\0" in text for each in given for name, values in each.lists() for text in (name, *values)):
        return None
    error = "The address or form holds a NUL character, which no text here has. Take it out."
    return render(request, "400.html", {"error": error}, status=400)


@dataclass(frozen=True)
class _Looking:
    """Who looks with another's eyes in this request; `ended` where that had to stop at its start."""

    staff: AbstractUser | None = None
    ended: bool = False


def _put_eyes(request: HttpRequest) -> _Looking:
    """Put the viewed user in place of the staff member who asked for it, as long as that is still right."""
    request.view_as = None  # type: ignore[attr-defined]
    pk = request.session.get(VIEW_AS_SESSION_KEY)
    if pk is None or not request.user.is_authenticated:
        return _Looking()
    staff = cast("AbstractUser", request.user)
    viewed = get_user_model().objects.filter(pk=pk, is_active=True).first()
    if viewed is None or is_finops(viewed) or not is_finops(staff):
        del request.session[VIEW_AS_SESSION_KEY]
        services.stop_view_as(staff, now=current_moment())
        messages.warning(request, STOPPED)
        return _Looking(ended=True)
    request.view_as, request.user = staff, viewed  # type: ignore[attr-defined]
    return _Looking(staff)
