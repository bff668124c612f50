"""Logging in, staying in, logging out."""

from collections.abc import Callable
from typing import TypeVar

from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.selectors import signed_in
from accounts.serializers import (
    CredentialsSerializer,
    DetailSerializer,
    LoggedInSerializer,
    LogoutSerializer,
    ProfileSerializer,
    RefreshedSerializer,
    RefreshSerializer,
    TokenSerializer,
    TokensSerializer,
)
from accounts.views.doors import ChallengingView, DoorView, device_of, valid
from shop_backend.kernel.access import SIGNED_IN

Opened = TypeVar("Opened")

_REFUSED = (
    "`invalid_credentials`, whatever the reason; after a right password `two_factor_required` or"
    " `two_factor_failed`."
)
_TOO_MANY = (
    "Too many requests, `too_many_passwords` or `too_many_two_factor_codes`; see Retry-After."
)


def log_in(request: Request, service: Callable[..., Opened]) -> Opened:
    """Let a service log in whoever sends their credentials, at whichever door."""
    data = valid(CredentialsSerializer, request)
    return service(
        login=data["login"],
        password=data["password"],
        second_factor=data["second_factor"],
        replaced=data["refresh"],
        device=device_of(request),
    )


class LoginView(DoorView):
    """Log in by username or email."""

    throttle_scope = "login"
    messages = {"post": "Logged in."}

    @swagger_auto_schema(
        operation_id="accounts_login",
        operation_summary="Log in",
        tags=["accounts"],
        request_body=CredentialsSerializer,
        responses={200: LoggedInSerializer, 401: _REFUSED, 429: _TOO_MANY},
    )
    def post(self, request: Request) -> Response:
        """Opens a session whose refresh tokens rotate, and shows the profile."""
        user, pair = log_in(request, services.log_in)
        profile = ProfileSerializer(user).data
        return Response({"access": pair.access, "refresh": pair.refresh, "user": profile})


class TokenView(DoorView):
    """Log in, for tokens alone."""

    throttle_scope = "login"
    messages = {"post": "Logged in."}

    @swagger_auto_schema(
        operation_id="accounts_token",
        operation_summary="Log in for tokens alone",
        tags=["accounts"],
        request_body=CredentialsSerializer,
        responses={200: TokensSerializer, 401: _REFUSED, 429: _TOO_MANY},
    )
    def post(self, request: Request) -> Response:
        """Opens a session whose refresh tokens rotate."""
        _, pair = log_in(request, services.log_in)
        return Response({"access": pair.access, "refresh": pair.refresh})


def refresh(request: Request) -> Response:
    """Answer a refresh, at either door."""
    data = valid(RefreshSerializer, request)
    access, new_refresh = services.refresh(refresh_token=data["refresh"])
    if new_refresh is None:
        return Response({"access": access})
    return Response({"access": access, "refresh": new_refresh})


class TokenRefreshView(DoorView):
    """Get the next access token."""

    throttle_scope = "token"
    messages = {"post": "Refreshed."}

    @swagger_auto_schema(
        operation_id="accounts_token_refresh",
        operation_summary="Refresh the tokens",
        tags=["accounts"],
        request_body=RefreshSerializer,
        responses={
            200: RefreshedSerializer,
            401: "`token_not_valid`; a refresh token used before ends its session.",
            409: "`refresh_already_used`: used less than ten seconds ago.",
        },
    )
    def post(self, request: Request) -> Response:
        """A rotating refresh token is used once; the answer holds its successor."""
        return refresh(request)


class TokenVerifyView(DoorView):
    """Find out whether a token is good."""

    throttle_scope = "token"
    messages = {"post": "The token is valid."}

    @swagger_auto_schema(
        operation_id="accounts_token_verify",
        operation_summary="Verify a token",
        tags=["accounts"],
        request_body=TokenSerializer,
        responses={200: DetailSerializer, 401: "`token_not_valid`."},
    )
    def post(self, request: Request) -> Response:
        """Looks at the signature, the time and the session."""
        services.verify(token=valid(TokenSerializer, request)["token"])
        return Response({"detail": self.messages["post"]})


class LogoutView(ChallengingView):
    """End a session, or all of them."""

    access = {"post": SIGNED_IN}
    messages = {"post": "Logged out."}

    @swagger_auto_schema(
        operation_id="accounts_logout",
        operation_summary="Log out",
        tags=["accounts"],
        request_body=LogoutSerializer,
        responses={200: DetailSerializer, 401: "No token, or `token_not_valid` for the refresh."},
    )
    def post(self, request: Request) -> Response:
        """Ends the session of the refresh token, or with `all` every session of the account."""
        data = valid(LogoutSerializer, request)
        if data["all"]:
            services.revoke_sessions(user=signed_in(request))
        else:
            services.log_out(user=signed_in(request), refresh_token=data["refresh"])
        return Response({"detail": self.messages["post"]})
