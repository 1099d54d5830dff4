"""Upload of a bill by a program: store, import, enqueue; safe to send again under the same key."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from costs import selectors as intake_reads
from costs import services as intake
from costs.api_base import ParameterError, ScopedView, api_scope
from costs.errors import FinopsError
from costs.forms import CURRENCY_CODE, SOURCE_NAME
from costs.pages import current_moment
from costs.selectors.uploads import Upload
from finops_site.tasks import enqueue_import

KEY_HEADER = "Idempotency-Key"
EMPTY_FILE = "The file is empty. Export it again."
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class ConflictError(FinopsError):
    """The same key came with another content."""

    code = "conflict"


CURRENCY_HELP = "Of lines that do not tell theirs: a code like USD. Kept for the source's next files."


class UploadInputSerializer(serializers.Serializer[Any]):
    """Files of one bill, or inventories of different kinds."""

    files = serializers.ListField(
        child=serializers.FileField(max_length=255, error_messages={"empty": EMPTY_FILE}),
        allow_empty=False,
        help_text="CUR, CUR 2.0, FOCUS: CSV, gz, zip, Parquet; inventories: CSV. Files sent together are one delivery.",
    )
    snapshot_on = serializers.DateField(required=False, help_text="The day an inventory was taken; today if left out.")
    source = serializers.CharField(  # type: ignore[assignment]
        required=False,
        max_length=80,
        validators=[SOURCE_NAME],
        help_text="Keeps bills apart that look alike; from the payer account if left out.",
    )
    currency = serializers.CharField(
        required=False, max_length=8, validators=[CURRENCY_CODE], help_text=CURRENCY_HELP, default=""
    )


class UploadedFileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()


class UploadedImportSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    source = serializers.CharField(source="source_name")  # type: ignore[assignment]
    url = serializers.CharField(help_text="Where its progress stands.")


class UploadSerializer(serializers.Serializer[Any]):
    """What was taken in; the imports run in the background."""

    id = serializers.IntegerField(source="pk")
    created_at = serializers.DateTimeField()
    files = UploadedFileSerializer(many=True)
    imports = UploadedImportSerializer(many=True)


class UploadBill(ScopedView):
    """Takes one or several files, makes imports of them and has a worker run them. Sent again under the same
    `Idempotency-Key` it answers the same and imports nothing twice; the same key with another content is a 409.
    Files that cannot be a bill are refused with file, line, column and cure. FinOps staff only.
    """

    operation, title, section = "upload", "Upload a bill", "Imports"
    parser_classes = (MultiPartParser,)
    serializer_class = UploadSerializer
    staff_only = True

    @extend_schema(
        request={"multipart/form-data": UploadInputSerializer},
        responses={201: UploadSerializer},
        parameters=[
            OpenApiParameter(
                KEY_HEADER,
                {"type": "string", "maxLength": 128, "pattern": "^[!-~]+$"},
                location=OpenApiParameter.HEADER,
                description="Any text of your choice that names this upload.",
            )
        ],
    )
    def post(self, request: Request) -> Response:
        self.read_parameters(request)
        key = idempotency_key(request)
        fields = UploadInputSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        files = fields.validated_data["files"]
        pk = intake.store_upload(files, user=request.user.pk, idempotency_key=key)
        contents = [digest_of(file) for file in files] if key else None
        with transaction.atomic():
            upload = intake_reads.upload_held(api_scope(request), pk)
            if contents is not None:
                refuse_other_content(upload, contents, fields.validated_data)
            if not upload.imports:
                upload = self.make_imports(upload, fields.validated_data, request)
            for item in upload.imports:
                if item.is_waiting:  # also when the queue was away the first time
                    enqueue_import(item.pk)
        made = [{**vars(item), "url": self.address(request, item.pk)} for item in upload.imports]
        answer = UploadSerializer({**vars(upload), "imports": made}).data
        return Response(answer, status=status.HTTP_201_CREATED)

    def make_imports(self, upload: Upload, fields: Mapping[str, Any], request: Request) -> Upload:
        """Look into the files and queue an import for each delivery; the upload with them."""
        intake.prepare_imports(
            intake.uploaded_files(upload.pk),
            source_name=fields.get("source"),
            snapshot_on=fields.get("snapshot_on"),
            currency=fields.get("currency", ""),
            requested_by=request.user.pk,
            upload=upload.pk,
            today=current_moment().date(),
        )
        return intake_reads.upload_held(api_scope(request), upload.pk)

    def address(self, request: Request, pk: int) -> str:
        return request.build_absolute_uri(reverse("api:import", args=[pk]))


def idempotency_key(request: Request) -> str:
    """The key of the request; empty where it has none."""
    key = request.headers.get(KEY_HEADER, "").strip()
    if key and not _KEY.fullmatch(key):
        raise ParameterError(KEY_HEADER, "Use 1 to 128 printable ASCII characters without spaces.")
    return key


def digest_of(file: "UploadedFile[Any]") -> str:
    """SHA-256 of a file that came in, read piece by piece."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def refuse_other_content(upload: Upload, contents: Sequence[str], fields: Mapping[str, Any]) -> None:
    """Other files, another day of the inventory or another source under a known key: not the same request."""
    snapshot_on: date | None = fields.get("snapshot_on")
    source = str(fields.get("source", "")).lower()
    days = {item.snapshot_on for item in upload.imports if item.snapshot_on is not None}
    if (
        sorted(contents) != sorted(file.sha256 for file in upload.files)
        or (snapshot_on is not None and bool(days) and days != {snapshot_on})
        or (upload.imports and not any(item.source_name.startswith(source) for item in upload.imports))
    ):
        raise ConflictError("This Idempotency-Key came with other files, day or source before. Use a new key.")
