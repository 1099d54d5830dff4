"""A user's own API tokens: list, make one (shown once), revoke."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from costs.errors import InvalidRequestError
from costs.pages import current_moment
from tagging import selectors, services
from tagging.access import is_viewing_as


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponseBase:
    """The reader's own tokens; nobody looks at them with another's eyes."""
    if is_viewing_as(request):
        return render(request, "403_view_as.html", status=403)
    if request.method == "POST":
        return changed(request, cast("User", request.user))
    return token_page(request)


@sensitive_variables("made")
def changed(request: HttpRequest, user: User) -> HttpResponseBase:
    """Make a token and show it this once, or revoke one (`token`) or all of them."""
    wanted = request.POST.get("do", "")
    if wanted == "make":
        try:
            made = services.make_token(user)
        except InvalidRequestError as error:
            messages.error(request, str(error))
            return redirect("tagging:tokens")
        return token_page(request, made=made)
    if wanted == "revoke":
        if services.revoke_token(user, request.POST.get("token", "")):
            messages.success(request, "Revoked. Programs that use this token are refused from now on.")
        else:
            messages.error(request, "You have no such token any more.")
    elif wanted == "revoke_all":
        count = services.revoke_all_tokens(user)
        messages.success(request, f"{count} token{'' if count == 1 else 's'} revoked.")
    else:
        raise InvalidRequestError(f"'{wanted}' is not a change. Use make, revoke or revoke_all.")
    return redirect("tagging:tokens")


def token_page(request: HttpRequest, *, made: str = "") -> HttpResponseBase:
    """The list, with a new token above it where one was just made."""
    assert request.user.pk is not None
    context = {"tokens": selectors.own_tokens(request.user.pk), "made": made, "now": current_moment()}
    return render(request, "tagging/tokens.html", context)
