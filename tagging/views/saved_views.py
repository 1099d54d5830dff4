"""Saved views of the explore page: keep, open, rename, remove and undo it. Each user's are their own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from costs.errors import InvalidRequestError
from costs.pages import current_moment, request_scope
from costs.periods import BillingPeriod
from tagging import selectors, services
from tagging.views.explore import REMOVED_VIEW, asked_of_params, last_full


@require_POST
@login_required
def saved_view_new(request: HttpRequest) -> HttpResponseBase:
    """Keep the question of `query` (the page's query string) under `name`; `moving` keeps up with the months."""
    assert request.user.pk is not None
    query_string = request.POST.get("query", "")
    asked = asked_of_params(QueryDict(query_string), latest=_latest(request))
    try:
        view = services.save_view(
            request.user.pk,
            request.POST.get("name", ""),
            query=asked.query,
            params=asked.params(asked.query),
            is_moving=request.POST.get("moving") == "on",
        )
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Saved as “{view.name}”.")
    return redirect(f"{reverse('tagging:explore')}?{asked.query_string}")


@require_safe
@login_required
def saved_view(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Open one of the reader's own views, for the months it shows today."""
    assert request.user.pk is not None
    view = selectors.own_view(request.user.pk, pk, latest=_latest(request))
    return redirect(f"{reverse('tagging:explore')}?{view.query_string}")


@require_POST
@login_required
def saved_view_rename(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Give one of the reader's own views another name."""
    assert request.user.pk is not None
    back = _back(request)
    try:
        name = services.rename_view(request.user.pk, pk, request.POST.get("name", ""))
    except InvalidRequestError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The view is called “{name}” now.")
    return redirect(back)


@require_POST
@login_required
def saved_view_remove(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Remove one of the reader's own views; the next page offers to keep it again."""
    assert request.user.pk is not None
    back = _back(request)
    view = selectors.own_view(request.user.pk, pk, latest=_latest(request))
    services.remove_view(request.user.pk, pk)
    request.session[REMOVED_VIEW] = {
        "name": view.name,
        "query": view.query_string,
        "is_moving": view.months is not None,
    }
    return redirect(back)


def _back(request: HttpRequest) -> str:
    """The question the reader was looking at; raises InvalidRequestError where that is none."""
    query_string = request.POST.get("query", "")
    if not query_string:
        return reverse("tagging:explore")
    asked = asked_of_params(QueryDict(query_string), latest=_latest(request))
    return f"{reverse('tagging:explore')}?{asked.query_string}"


def _latest(request: HttpRequest) -> BillingPeriod:
    today = current_moment().date()
    periods = selectors.periods_of(request_scope(request))
    return last_full(periods, today=today) if periods else BillingPeriod.of(today).previous()
