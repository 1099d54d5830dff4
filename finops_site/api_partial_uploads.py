"""Large files in pieces, by the rules of tus 1.0 (core, creation, checksum, expiration, termination): any client of
it will do. What is complete becomes an upload like any other. See docs/how-to/large-uploads.md.
"""

import base64
import binascii
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase, UnreadablePostError
from django.urls import reverse
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from costs import services as intake
from costs.api_base import ParameterError, ScopedView
from costs.forms import CURRENCY_CODE, SOURCE_NAME
from costs.pages import current_moment
from costs.services import PartialState, Piece
from finops_site.api_uploads import CURRENCY_HELP, UploadSerializer
from finops_site.uploads import bring_in

TUS_VERSION = "1.0.0"
CONTENT_TYPE = "application/offset+octet-stream"
CHUNK = 1024 * 1024
DIGESTS = {"sha256": 32, "sha1": 20}
LARGEST_LENGTH = 2**60
CAUGHT = (UnreadablePostError, ConnectionError)


class VersionError(APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = f"Only tus {TUS_VERSION} is spoken here. Send Tus-Resumable: {TUS_VERSION}, or leave it out."


class KindError(APIException):
    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_detail = f"Send the piece as Content-Type: {CONTENT_TYPE}."


class LengthError(APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the piece with its Content-Length."


class PieceThrottle(UserRateThrottle):
    """Pieces are counted apart: a large file has many, and other requests need their own share."""

    scope = "pieces"
    rate = "6000/min"


def header(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    """A header of a request, for the document."""
    kind = {"type": "string"}
    return OpenApiParameter(name, kind, location=OpenApiParameter.HEADER, required=required, description=description)


TUS = header("Tus-Resumable", f"{TUS_VERSION}, or left out.")


class PartialUploadSerializer(serializers.Serializer[Any]):
    """How far a file has come."""

    id = serializers.CharField(source="ref")
    name = serializers.CharField()
    length = serializers.IntegerField(help_text="Bytes of the whole file.")
    offset = serializers.IntegerField(help_text="Bytes that are kept: the next piece starts here.")
    expires_at = serializers.DateTimeField(help_text="It is removed then, unless a piece comes before.")
    url = serializers.CharField()


class FinishInputSerializer(serializers.Serializer[Any]):
    """Complete files of one bill, or inventories of different kinds."""

    files = serializers.ListField(
        child=serializers.CharField(max_length=64), allow_empty=False, help_text="The ids of the uploads."
    )
    snapshot_on = serializers.DateField(required=False, help_text="The day an inventory was taken; today if left out.")
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=80, validators=[SOURCE_NAME], help_text="Keeps bills apart that look alike."
    )
    currency = serializers.CharField(
        required=False, max_length=8, validators=[CURRENCY_CODE], help_text=CURRENCY_HELP, default=""
    )


class TusView(ScopedView):
    """What the addresses of uploads in pieces share."""

    section = "Imports"
    staff_only = True
    success_headers: ClassVar[dict[str, str]] = {"Tus-Resumable": TUS_VERSION, "Cache-Control": "no-store"}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # GET is none of tus's: who reads an upload's state may send what they like.
        if request.method != "GET" and request.headers.get("Tus-Resumable", TUS_VERSION) != TUS_VERSION:
            raise VersionError

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        for name, value in self.success_headers.items():
            response.headers.setdefault(name, value)
        return super().finalize_response(request, response, *args, **kwargs)

    def described(self, request: Request, state: PartialState) -> tuple[dict[str, Any], dict[str, str]]:
        """The body and the headers that say how far an upload is."""
        url = request.build_absolute_uri(reverse("api:partial_upload", args=[state.ref]))
        headers = {
            "Upload-Offset": str(state.offset),
            "Upload-Length": str(state.length),
            "Upload-Expires": http_date(state.expires_at.timestamp()),
        }
        return {**vars(state), "url": url}, headers


class PartialUploads(TusView):
    """Begins a file that comes in pieces: its length, and its name in `Upload-Metadata` (`filename` and, if you like,
    the `sha256` of the whole, both in base64). Answers where the pieces go. FinOps staff only.
    """

    operation, title = "partial_uploads", "Begin a large file"
    serializer_class = PartialUploadSerializer
    http_method_names = ["post"]

    @extend_schema(
        request=None,
        responses={201: PartialUploadSerializer},
        parameters=[
            TUS,
            header("Upload-Length", "Bytes of the whole file.", required=True),
            header("Upload-Metadata", "`filename <base64>,sha256 <base64>`"),
        ],
    )
    def post(self, request: Request) -> Response:
        told = metadata(request.headers.get("Upload-Metadata", ""))
        ref = intake.begin_upload(
            told.get("filename", ""),
            whole_number(request, "Upload-Length"),
            user=sender(request),
            now=current_moment(),
            sha256=told.get("sha256", ""),
        )
        body, headers = self.described(request, intake.partial_state(ref, user=sender(request)))
        answer = PartialUploadSerializer(body).data
        return Response(answer, status=status.HTTP_201_CREATED, headers={**headers, "Location": body["url"]})


class PartialUploadOne(TusView):
    """One file on its way. HEAD (or GET) tells how far it is, PATCH adds a piece at exactly that offset, DELETE
    forgets it. Another user's upload is a 404; a second piece at the same time is a 423. FinOps staff only.
    """

    operation, title = "partial_upload", "How far a large file is"
    serializer_class = PartialUploadSerializer
    http_method_names = ["get", "head", "patch", "delete"]
    throttle_classes = (PieceThrottle,)

    @extend_schema(parameters=[TUS], responses={200: PartialUploadSerializer})
    def get(self, request: Request, upload_ref: str) -> Response:
        body, headers = self.described(request, intake.partial_state(upload_ref, user=sender(request)))
        return Response(PartialUploadSerializer(body).data, headers=headers)

    @extend_schema(
        operation_id="partial_upload_piece",
        summary="Add a piece to a large file",
        request={CONTENT_TYPE: OpenApiTypes.BINARY},
        responses={204: OpenApiResponse(description="Kept; `Upload-Offset` tells how much.")},
        parameters=[
            TUS,
            header("Upload-Offset", "Where the piece starts: how much is kept.", required=True),
            header("Upload-Checksum", "`sha256 <base64>` or `sha1 <base64>` of this piece."),
        ],
    )
    def patch(self, request: Request, upload_ref: str) -> HttpResponseBase:
        if request.content_type.partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise KindError
        if not request.headers.get("Content-Length", "").isdigit():
            raise LengthError
        piece = Piece(whole_number(request, "Upload-Offset"), pieces(request), checksum(request))
        offset = intake.add_piece(upload_ref, piece, user=sender(request), now=current_moment())
        state = intake.partial_state(upload_ref, user=sender(request))
        _, headers = self.described(request, state)
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={**headers, "Upload-Offset": str(offset)})

    @extend_schema(
        operation_id="partial_upload_cancel",
        summary="Forget a large file",
        request=None,
        responses={204: OpenApiResponse(description="Forgotten.")},
        parameters=[TUS],
    )
    def delete(self, request: Request, upload_ref: str) -> HttpResponseBase:
        intake.cancel_upload(upload_ref, user=sender(request))
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


class FinishUpload(TusView):
    """Imports complete files as if they had been uploaded together, and answers as an upload does. Asked again it
    answers the same and imports nothing twice. FinOps staff only.
    """

    operation, title = "upload_finish", "Import large files"
    http_method_names = ["post"]
    parser_classes = (JSONParser,)
    serializer_class = UploadSerializer

    @extend_schema(request=FinishInputSerializer, responses={201: UploadSerializer})
    def post(self, request: Request) -> Response:
        self.read_parameters(request)
        fields = FinishInputSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        data = fields.validated_data
        pk = intake.hand_over(data["files"], user=sender(request))
        more = {"snapshot_on": data.get("snapshot_on"), "currency": data["currency"]}
        upload = bring_in(request._request, pk, source_name=data.get("source"), **more)
        made = [
            {**vars(item), "url": request.build_absolute_uri(reverse("api:import", args=[item.pk]))}
            for item in upload.imports
        ]
        return Response(UploadSerializer({**vars(upload), "imports": made}).data, status=status.HTTP_201_CREATED)


def sender(request: Request) -> int:
    """Who sends: nobody else may see or go on with the upload."""
    pk = request.user.pk
    assert pk is not None  # only who is logged in comes here
    return pk


def pieces(request: Request) -> Iterator[bytes]:
    """The body as it comes in. Where the connection breaks it ends: what came is kept."""
    stream = request._request
    while True:
        try:
            chunk = stream.read(CHUNK)
        except CAUGHT:
            return
        if not chunk:
            return
        yield chunk


def whole_number(request: Request, name: str) -> int:
    """A header that holds a count of bytes."""
    value = request.headers.get(name, "").strip()
    if not (value.isascii() and value.isdigit()) or int(value[:20]) > LARGEST_LENGTH:
        raise ParameterError(name, "Give the number of bytes.")
    return int(value)


def metadata(value: str) -> dict[str, str]:
    """`filename YS5jc3Y=,sha256 …` as a mapping."""
    found = {}
    for pair in filter(None, (part.strip() for part in value.split(","))):
        name, _, encoded = pair.partition(" ")
        try:
            found[name] = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise ParameterError("Upload-Metadata", f"'{name[:40]}' is not base64 of UTF-8 text.") from error
    digest = found.get("sha256", "")
    if digest and (len(digest) != 2 * DIGESTS["sha256"] or not set(digest.lower()) <= set("0123456789abcdef")):
        raise ParameterError("Upload-Metadata", "sha256 is the digest in 64 hexadecimal digits.")
    return found


def checksum(request: Request) -> tuple[str, bytes] | None:
    """Algorithm and digest of a piece, where it has one."""
    value = request.headers.get("Upload-Checksum", "").strip()
    if not value:
        return None
    name, _, encoded = value.partition(" ")
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error as error:
        raise ParameterError("Upload-Checksum", "The checksum is not base64.") from error
    if DIGESTS.get(name) != len(digest):
        raise ParameterError("Upload-Checksum", f"Use {' or '.join(DIGESTS)} and the whole digest in base64.")
    return name, digest
