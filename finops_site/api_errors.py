"""One shape for every error of the API, whoever raised it: `{"error": {code, message, fields, detail}}`."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from costs.errors import FinopsError, ImportRejectedError, NotFoundInScopeError, UnreadableStoreError
from tagging.access import is_finops

logger = logging.getLogger(__name__)
API_ROOT = "/api/"
# Other errors are 400. By code, so that an app can raise its own without the API knowing its class.
STATUS_OF_CODES: dict[str, int] = {
    NotFoundInScopeError.code: HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "locked": HTTPStatus.LOCKED,
    "checksum_mismatch": 460,  # as tus has it
    "disk_full": HTTPStatus.INSUFFICIENT_STORAGE,
    UnreadableStoreError.code: HTTPStatus.SERVICE_UNAVAILABLE,
}
CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
}
MESSAGES = {
    400: "The request cannot be read.",
    403: "This is not allowed.",
    404: "There is nothing here.",
    413: "The request is too large.",
    500: "Something went wrong on our side. Nothing was changed; the log says more.",
}
VIEWING_AS = "While you view as another user nothing can be changed. Stop viewing first."
KEPT_HEADERS = ("Allow", "Retry-After", "Vary", "WWW-Authenticate")


def error_body(
    code: str,
    message: str,
    *,
    fields: Mapping[str, Sequence[str]] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The one shape. `fields` names what in the request is wrong, `detail` holds the error's parts."""
    return {"error": {"code": code, "message": message, "fields": dict(fields or {}), "detail": dict(detail or {})}}


def handle(error: Exception, context: Any) -> Response | None:
    """Django REST framework's exception handler. None, so a 500, for what nobody expected."""
    if isinstance(error, UnreadableStoreError):
        logger.error("%s: %s", context["request"].path, error)
        if not is_finops(context["request"].user):
            error = UnreadableStoreError(error.FOR_OTHERS)
    if isinstance(error, FinopsError):
        return Response(_finops_body(error), status=STATUS_OF_CODES.get(error.code, HTTPStatus.BAD_REQUEST))
    response = exception_handler(error, context)
    if response is not None:
        response.data = _framework_body(error, response.status_code)
    return response


class ApiErrorMiddleware:
    """What no endpoint answered (an unknown address, a refused host, viewing as, a crash) in the same shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_error = response.status_code >= HTTPStatus.BAD_REQUEST and request.path.startswith(API_ROOT)
        if not is_error or response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        return _in_shape(request, response)


def _in_shape(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    status = response.status_code
    viewing_as = status == HTTPStatus.FORBIDDEN and getattr(request, "view_as", None) is not None
    message = VIEWING_AS if viewing_as else MESSAGES.get(status, HTTPStatus(status).phrase)
    code = CODES.get(status, "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "error")
    shaped = JsonResponse(error_body(code, message), status=status)
    for name in KEPT_HEADERS:
        if name in response.headers:
            shaped.headers[name] = response.headers[name]
    return shaped


def _finops_body(error: FinopsError) -> dict[str, Any]:
    detail = error.as_dict() if isinstance(error, ImportRejectedError) else None
    return error_body(error.code, str(error), fields=getattr(error, "fields", None), detail=detail)


def _framework_body(error: Exception, status: int) -> dict[str, Any]:
    code = CODES.get(status, "error")
    if isinstance(error, Http404 | exceptions.NotFound):
        return error_body(code, MESSAGES[404])
    if isinstance(error, PermissionDenied):
        return error_body(code, MESSAGES[403])
    found: Any = getattr(error, "detail", str(error))
    if isinstance(found, dict):
        fields = {str(name): _texts(value) for name, value in found.items()}
        named = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.items())
        return error_body(code, named, fields=fields)
    detail = {"retry_after_seconds": getattr(error, "wait", None)} if isinstance(error, exceptions.Throttled) else None
    return error_body(code, " ".join(str(text) for text in _as_list(found)), detail=detail)


def _texts(value: Any) -> list[str]:
    """All messages in whatever a serializer nests them in; a place in a list is counted from 1 for people."""
    if isinstance(value, Mapping):
        named = ((f"Number {key + 1}" if isinstance(key, int) else str(key), texts) for key, texts in value.items())
        return [f"{name}: {text}" for name, texts in named for text in _texts(texts)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list | tuple) else [str(value)]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
