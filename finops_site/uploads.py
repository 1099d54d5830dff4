"""Files come in and are tried again: joins the intake and the queue, so it lives above both."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from costs import selectors as intake_reads
from costs import services as intake
from costs.errors import FinopsError
from costs.forms import UploadForm
from costs.pages import current_moment, request_scope, staff_page
from costs.selectors import Upload
from finops_site.tasks import enqueue_delivery, enqueue_import


@staff_page
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponseBase:
    """The upload form; files that can be told apart become queued imports."""
    names = intake_reads.source_names(request_scope(request))
    if request.method == "GET":
        return show_form(request, UploadForm(initial={"idempotency_key": uuid4().hex}, source_names=names))
    form = UploadForm(request.POST, request.FILES, source_names=names)
    if form.is_valid():
        try:
            pks = take_in(request, form)
        except FinopsError as error:
            form.add_error("bill_files", str(error))
        else:
            return to_imports(request, pks)
    return show_form(request, form)


@staff_page
@require_POST
def retry_import(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A new attempt with the files of a failed one."""
    source = intake_reads.retry_files(request_scope(request), pk)
    if source.is_from_charges:
        intake.requeue_import(pk)
        enqueue_import(pk)
        return redirect("costs:import", pk)
    if source.delivery is not None:
        intake.fetch_again(source.delivery)
        enqueue_delivery(source.delivery)
        messages.success(request, "A worker fetches it again.")
        return redirect("costs:imports")
    paths = [Path(path) for path in source.paths]
    missing = [path.name for path in paths if not path.exists()]
    if missing or not paths:
        messages.error(request, f"{', '.join(missing) or 'The files'}: no longer there. Upload them again.")
        return redirect("upload")
    if source.is_part:
        intake.requeue_import(pk)
        enqueue_import(pk)
        return redirect("costs:import", pk)
    try:
        with transaction.atomic():
            pks = intake.prepare_imports(
                paths,
                source_name=source.source_name,
                snapshot_on=source.snapshot_on,
                requested_by=request.user.pk,
                upload=source.upload,
                today=current_moment().date(),
            )
            for new in pks:
                enqueue_import(new)
    except FinopsError as error:
        messages.error(request, str(error))
        return redirect("costs:import", pk)
    return to_imports(request, pks)


def take_in(request: HttpRequest, form: UploadForm) -> list[int]:
    """Store the files of a valid form, make their imports and have a worker run them.

    The same form sent twice gives the same imports. Files that came in pieces are there already.
    """
    data, user = form.cleaned_data, request.user.pk
    if data["partial_files"] and not data["bill_files"]:
        assert user is not None  # a page for staff
        pk = intake.hand_over(data["partial_files"], user=user)
    else:
        key = upload_key(data["idempotency_key"], data["bill_files"])
        pk = intake.store_upload(data["bill_files"], user=user, idempotency_key=key)
    more = {"snapshot_on": data["snapshot_on"], "currency": data["currency"]}
    upload = bring_in(request, pk, source_name=data["source_name"] or None, **more)
    return [item.pk for item in upload.imports]


def bring_in(
    request: HttpRequest, upload_pk: int, *, source_name: str | None, snapshot_on: date | None, currency: str = ""
) -> Upload:
    """The upload with its imports, made and handed to a worker where that was not done before."""
    scope = request_scope(request)
    with transaction.atomic():
        upload = intake_reads.upload_held(scope, upload_pk)
        if not upload.imports:
            intake.prepare_imports(
                intake.uploaded_files(upload_pk),
                source_name=source_name,
                snapshot_on=snapshot_on,
                currency=currency,
                requested_by=request.user.pk,
                upload=upload_pk,
                today=current_moment().date(),
            )
            upload = intake_reads.upload_held(scope, upload_pk)
        for item in upload.imports:
            if item.is_waiting:  # also when the queue was away the first time
                enqueue_import(item.pk)
    return upload


def upload_key(form_key: str, files: "Sequence[UploadedFile[Any]]") -> str:
    """One name for these files sent with this very form; empty (never the same) where the form has no key."""
    parts = [form_key, *(f"{file.name}:{file.size}" for file in files)]
    return f"page-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}" if form_key else ""


def to_imports(request: HttpRequest, pks: list[int]) -> HttpResponse:
    """The page of the one import, or the list where there are several."""
    if len(pks) == 1:
        return redirect("costs:import", pks[0])
    messages.success(request, f"{len(pks)} imports are under way.")
    return redirect("costs:imports")


def show_form(request: HttpRequest, form: UploadForm) -> HttpResponse:
    """The form with what is wrong, as 400 where something is."""
    context = {"form": form, "limit_mb": settings.UPLOAD_LIMIT_MB, "keep_hours": settings.UPLOAD_KEEP_HOURS}
    return render(request, "costs/upload.html", context, status=400 if form.errors else 200)
