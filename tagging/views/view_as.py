"""FinOps staff look with another user's eyes: start, stop. Read only, and logged."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from costs.errors import InvalidRequestError
from costs.pages import current_moment, request_scope, staff_page
from tagging import selectors, services
from tagging.access import VIEW_AS_SESSION_KEY, is_viewing_as


@staff_page
@require_POST
def view_as_start(request: HttpRequest, pk: int) -> HttpResponseBase:
    """See every page as this user does, until stopped."""
    person = selectors.person(request_scope(request), pk)
    try:
        viewed = services.start_view_as(cast("User", request.user), person.username, now=current_moment())
    except InvalidRequestError as error:
        messages.error(request, str(error))
        return redirect("tagging:people")
    request.session[VIEW_AS_SESSION_KEY] = viewed
    return redirect("/")


@login_required
@require_POST
def view_as_stop(request: HttpRequest) -> HttpResponseBase:
    """Back to the staff member's own eyes."""
    if not is_viewing_as(request):
        return redirect("/")
    request.session.pop(VIEW_AS_SESSION_KEY, None)  # the access middleware closes the log entry
    return redirect("tagging:people")
