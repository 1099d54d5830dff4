"""Puts `request.scope` in place, and another user's eyes where FinOps staff asked for them."""

from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.views.defaults import page_not_found

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.reading import one_reading
from tagging.access import VIEW_AS_SESSION_KEY as VIEW_AS_SESSION_KEY
from tagging.access import is_finops, scope_of

# What stays possible while viewing as someone: ending it and logging out.
ALWAYS_ALLOWED = ("/view-as/stop/", "/accounts/logout/")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class AccessMiddleware:
    """Every view reads `request.scope`; nothing else decides what a request may see.

    While FinOps staff view as a user, `request.user` is that user, `request.view_as` the staff
    member, and everything that could write is refused with 403.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.view_as = None  # type: ignore[attr-defined]
        pk = request.session.get(VIEW_AS_SESSION_KEY)
        if pk is not None and is_finops(request.user):
            viewed = get_user_model().objects.filter(pk=pk, is_active=True).first()
            if viewed is not None:
                request.view_as, request.user = request.user, viewed  # type: ignore[attr-defined]
        request.scope = SimpleLazyObject(lambda: scope_of(request.user))  # type: ignore[attr-defined]
        if (
            request.view_as is not None  # type: ignore[attr-defined]
            and request.method not in SAFE_METHODS
            and request.path not in ALWAYS_ALLOWED
        ):
            return render(request, "403_view_as.html", status=403)
        if request.method not in SAFE_METHODS:
            return self.get_response(request)
        with one_reading():
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view let through: 404 for what is not there or not theirs, 400 with its text for a bad request."""
        if isinstance(error, NotFoundInScopeError):
            return page_not_found(request, error)
        if isinstance(error, InvalidRequestError):
            return render(request, "400.html", {"error": error}, status=400)
        return None
