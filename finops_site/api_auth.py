"""Tokens: log in with name and password (or a session), log out, log out everywhere."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from knox import views as knox
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from tagging.authentication import TokenAuthentication

SECTION = ["Log-in"]


class TokenSerializer(serializers.Serializer[Any]):
    """A token, shown this once."""

    token = serializers.CharField(help_text="Send it as `Authorization: Token …`.")
    expiry = serializers.DateTimeField(help_text="When it ends.")


class LoginThrottle(SimpleRateThrottle):
    """Log-ins per address, counted before the password is looked at."""

    scope = "login"
    rate = "20/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        del view
        return str(self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)})


@extend_schema_view(
    post=extend_schema(
        operation_id="login",
        summary="Make a token",
        description="With HTTP Basic or a session. The token sees what its user sees, until it expires or is logged "
        "out. At most 20 log-ins a minute from one address.",
        tags=SECTION,
        request=None,
        responses=TokenSerializer,
    )
)
class LoginView(knox.LoginView):
    """Makes a token."""

    authentication_classes = (BasicAuthentication, SessionAuthentication)
    login_throttle = LoginThrottle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        throttle = self.login_throttle()
        if not throttle.allow_request(request, self):
            self.throttled(request, throttle.wait())
        super().initial(request, *args, **kwargs)

    def get_post_response_data(self, request: Request, token: str, instance: Any) -> Mapping[str, Any]:
        del request
        return {"token": token, "expiry": self.format_expiry_datetime(instance.expiry)}


@extend_schema_view(
    post=extend_schema(
        operation_id="logout", summary="End this token", tags=SECTION, request=None, responses={204: None}
    )
)
class LogoutView(knox.LogoutView):
    """Ends the token that asks."""

    authentication_classes = (TokenAuthentication,)


@extend_schema_view(
    post=extend_schema(
        operation_id="logout_all", summary="End all your tokens", tags=SECTION, request=None, responses={204: None}
    )
)
class LogoutAllView(knox.LogoutAllView):
    """Ends every token of the user that asks."""

    authentication_classes = (TokenAuthentication,)
