"""Sources are made, changed and looked at on request: joins the intake and the queue, so it lives above both."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from costs import selectors as intake_reads
from costs import services as intake
from costs.errors import FinopsError, InvalidRequestError
from costs.forms import MonthsForm, SourceForm
from costs.pages import current_moment, request_scope, staff_page
from costs.selectors import SourceRow
from costs.terms import PlaceKind
from finops_site.tasks import enqueue_delivery, enqueue_look


@staff_page
@require_http_methods(["GET", "POST"])
def source_new(request: HttpRequest) -> HttpResponseBase:
    """Make a source; it is looked at as soon as a worker has time."""
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            pk = intake.create_source(form.cleaned_data["name"], form.as_fields(is_active=True))
        except FinopsError as error:
            form.add_error(None, str(error))
        else:
            name = intake.source_slug(form.cleaned_data["name"])
            if form.cleaned_data["place"] != PlaceKind.UPLOAD:
                enqueue_look(pk)
                messages.success(request, f"{name} made. A worker looks there now.")
            else:
                messages.success(request, f"{name} made. Its bills are uploaded.")
            return redirect("costs:source", name)
    return _show(request, form, None)


@staff_page
@require_http_methods(["GET", "POST"])
def source_edit(request: HttpRequest, source: str) -> HttpResponseBase:
    """Change where a source looks and how often."""
    row = intake_reads.source_row(request_scope(request), source, now=current_moment())
    initial: dict[str, Any] = {
        "place": row.place.value,
        "location": row.location,
        "every_minutes": row.every_minutes,
        "months_back": row.months_back,
        "default_currency": row.default_currency,
    }
    form = SourceForm(request.POST or None, initial=initial, is_new=False)
    if request.method == "POST" and form.is_valid():
        try:
            intake.change_source(source, form.as_fields(is_active=row.is_active))
        except FinopsError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{source} changed.")
            return redirect("costs:source", source)
    return _show(request, form, row)


@staff_page
@require_POST
def look_now(request: HttpRequest, source: str) -> HttpResponseBase:
    """Look at a source before its turn."""
    intake_reads.source_row(request_scope(request), source, now=current_moment())
    enqueue_look(intake.look_at_once(source))
    messages.success(request, f"A worker looks at {source} now. What is new there is imported.")
    return redirect("costs:source", source)


@staff_page
@require_POST
def import_months(request: HttpRequest, source: str) -> HttpResponseBase:
    """Import months again, or further back than the source does by itself; or wait for none any more."""
    now = current_moment()
    intake_reads.source_row(request_scope(request), source, now=now)
    if request.POST.get("forget") == "yes":
        intake.forget_months(source)
        messages.success(request, "Months that were asked for are waited for no longer.")
        return redirect("costs:source", source)
    form = MonthsForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give both months as YYYY-MM, like 2026-05.")
        return redirect("costs:source", source)
    with _told(request):
        months = form.months(now.date())
        enqueue_look(intake.ask_for_months(source, months))
        span = months[0].label if len(months) == 1 else f"{months[0].label} to {months[-1].label}"
        messages.success(request, f"{span}: imported with the next look; what is not there yet, as soon as it comes.")
    return redirect("costs:source", source)


@staff_page
@require_POST
def set_active(request: HttpRequest, source: str) -> HttpResponseBase:
    """Deactivate a source, or activate it again."""
    intake_reads.source_row(request_scope(request), source, now=current_moment())
    is_active = request.POST.get("active") == "yes"
    with _told(request):
        intake.set_active(source, is_active=is_active)
        left = "Its months stay in force until another source gives them."
        messages.success(request, f"{source} is active." if is_active else f"{source} is not active any more. {left}")
    return redirect("costs:source", source)


@staff_page
@require_POST
def retry_delivery(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Fetch a delivery again that was refused or could not be had."""
    scope = request_scope(request)
    intake_reads.delivery(scope, pk)
    with _told(request):
        intake.fetch_again(pk)
        enqueue_delivery(pk)
        messages.success(request, "A worker fetches it again.")
    source = intake_reads.source_of_delivery(scope, pk)
    return redirect("costs:source", source) if source else redirect("costs:imports")


@contextmanager
def _told(request: HttpRequest) -> Iterator[None]:
    """What cannot be done is said on the page it was asked on."""
    try:
        yield
    except InvalidRequestError as error:
        messages.error(request, str(error))


def _show(request: HttpRequest, form: SourceForm, row: SourceRow | None) -> HttpResponseBase:
    context = {"form": form, "row": row}
    return render(request, "costs/source_form.html", context, status=400 if form.errors else 200)
