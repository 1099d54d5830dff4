"""The OpenAPI document and its pages: for people and programs that are logged in."""

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_required
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

ERROR_STATUSES = {
    "400": "A parameter or the body cannot be used; `fields` names it.",
    "401": "Log in: no token, or one that is not valid.",
    "404": "There is nothing here for you.",
    "405": "This address does not take this method.",
    "406": "This answer does not come in that format.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "503": "The charge store cannot be read or reached just now.",
}
ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fields", "detail"],
            "properties": {
                "code": {"type": "string", "examples": ["invalid"]},
                "message": {"type": "string", "description": "One clear sentence or two: what is wrong, and the cure."},
                "fields": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                    "description": "What is wrong with which parameter.",
                },
                "detail": {
                    "type": "object",
                    "description": "The parts of the error; of a refused bill: file, line, column, problem, cure.",
                },
            },
        }
    },
}
WRITE_STATUSES = {
    "403": "The session's CSRF token is missing, or you view as another user.",
    "409": "The same Idempotency-Key came with another content.",
    "413": "The request is too large.",
    "415": "The body is of another kind than this address takes.",
}
METHODS = ("get", "post", "patch")


def describe_answers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook: the errors, the 304 and CSV as text, alike on every endpoint."""
    result["components"].setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    for operations in result["paths"].values():
        for method in METHODS:
            if method in operations:
                _describe(operations[method]["responses"], is_read=method == "get")
    return result


def _describe(responses: dict[str, Any], *, is_read: bool) -> None:
    for answer in responses.values():
        answer["description"] = answer["description"] or "The answer."
        if not is_read:
            answer.get("content", {}).pop("text/csv", None)
        elif "text/csv" in answer.get("content", {}):
            answer["content"]["text/csv"] = {"schema": {"type": "string"}}
    if is_read:
        responses["304"] = {"description": "You have this answer already (`If-None-Match`)."}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    statuses = ERROR_STATUSES if is_read else ERROR_STATUSES | WRITE_STATUSES
    for status, text in statuses.items():
        responses[status] = {"description": text, "content": content}


schema = SpectacularAPIView.as_view()
# Swagger UI sets styles from its script, which only 'unsafe-inline' allows; scripts stay ours alone.
docs = login_required(
    csp_replace({"style-src": [SELF, UNSAFE_INLINE], "script-src": [SELF]})(
        SpectacularSwaggerSplitView.as_view(url_name="api:schema")
    )
)
