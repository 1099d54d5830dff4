"""Tokens of the API. A token shows what its user may see, whatever session came along with it."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox import auth as knox
from rest_framework.request import Request

from tagging.access import scope_of


class TokenAuthentication(knox.TokenAuthentication):
    """`Authorization: Token …`; puts the scope of the token's user in place of the session's."""

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None:
            django_request: Any = request._request
            django_request.scope, django_request.view_as = scope_of(found[0]), None
        return found


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names it."""

    target_class = "tagging.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106
