"""Djoser's paths, bodies and statuses; the rules are those of accounts."""

from drf_yasg import openapi
from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.selectors import signed_in
from accounts.serializers import (
    AccountDeletionSerializer,
    AuthAccessSerializer,
    AuthResetConfirmSerializer,
    AuthSetPasswordSerializer,
    AuthUserCreateSerializer,
    AuthUserSerializer,
    AuthUserUpdateSerializer,
    CredentialsSerializer,
    EmailSerializer,
    RefreshSerializer,
    TokenSerializer,
    TokensSerializer,
    UidAndTokenSerializer,
)
from accounts.views.doors import DoorView, valid
from accounts.views.passwords import session_of
from accounts.views.profile import HAS_CHANGED, ProfileViewSet, delete_own, update_own_profile
from accounts.views.sessions import log_in, refresh
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.views import ShopView

NOTHING = openapi.Response("Done; no body.")


class AuthUsersView(DoorView):
    """Djoser's `users/`."""

    throttle_scope = "register"

    @swagger_auto_schema(
        operation_id="auth_users_create",
        operation_summary="Register (Djoser)",
        tags=["auth"],
        request_body=AuthUserCreateSerializer,
        responses={
            201: AuthUserSerializer,
            400: "Invalid, or the username or email is taken.",
            429: "Too many requests, or `otp_cooldown`; see Retry-After.",
        },
    )
    def post(self, request: Request) -> Response:
        """Without an email the account logs in at once; with one it is verified first."""
        data = valid(AuthUserCreateSerializer, request)
        data.pop("re_password", None)
        return Response(AuthUserSerializer(services.register(**data)).data, status=201)


class AuthMeViewSet(ProfileViewSet):
    """Djoser's `users/me/`."""

    serializer_class = AuthUserSerializer

    @swagger_auto_schema(
        operation_id="auth_users_me_read",
        operation_summary="Your account (Djoser)",
        tags=["auth"],
        responses={200: AuthUserSerializer},
    )
    def retrieve(self, request: Request) -> Response:
        """Shows id, username and email."""
        return super().retrieve(request)

    @swagger_auto_schema(
        operation_id="auth_users_me_update",
        operation_summary="Change your email (Djoser)",
        tags=["auth"],
        request_body=AuthUserUpdateSerializer,
        responses={200: AuthUserSerializer, 412: HAS_CHANGED},
    )
    def update(self, request: Request) -> Response:
        """A new email takes effect only after its code."""
        data = valid(AuthUserUpdateSerializer, request)
        user = update_own_profile(request, self.get_object(), data)
        return Response(self.get_serializer(user).data)

    @swagger_auto_schema(
        operation_id="auth_users_me_partial_update",
        operation_summary="Change your email (Djoser, PATCH)",
        tags=["auth"],
        request_body=AuthUserUpdateSerializer,
        responses={200: AuthUserSerializer, 412: HAS_CHANGED},
    )
    def partial_update(self, request: Request) -> Response:
        """A new email takes effect only after its code."""
        return self.update(request)

    @swagger_auto_schema(
        operation_id="auth_users_me_delete",
        operation_summary="Delete your account (Djoser)",
        tags=["auth"],
        request_body=AccountDeletionSerializer,
        responses={
            204: NOTHING,
            400: "The password is wrong or missing.",
            409: "Staff.",
            412: HAS_CHANGED,
        },
    )
    def destroy(self, request: Request) -> Response:
        """Anonymises it; the books stay."""
        delete_own(request, self.get_object())
        return Response(status=204)


class ActivationView(DoorView):
    """Djoser's `users/activation/`."""

    throttle_scope = "otp"

    @swagger_auto_schema(
        operation_id="auth_users_activation",
        operation_summary="Verify an email by link (Djoser)",
        tags=["auth"],
        request_body=UidAndTokenSerializer,
        responses={
            204: NOTHING,
            400: "The link is invalid or expired.",
            403: "The account was activated before.",
        },
    )
    def post(self, request: Request) -> Response:
        """The link is in the same mail as the code."""
        services.activate_by_link(**valid(UidAndTokenSerializer, request))
        return Response(status=204)


class ResendActivationView(DoorView):
    """Djoser's `users/resend_activation/`."""

    throttle_scope = "otp"

    @swagger_auto_schema(
        operation_id="auth_users_resend_activation",
        operation_summary="Ask for a new activation mail (Djoser)",
        tags=["auth"],
        request_body=EmailSerializer,
        responses={204: NOTHING, 429: "Too many requests, or `otp_cooldown`; see Retry-After."},
    )
    def post(self, request: Request) -> Response:
        """Answers the same whether or not the address is known."""
        services.request_activation_code(email=valid(EmailSerializer, request)["email"])
        return Response(status=204)


class SetPasswordView(ShopView):
    """Djoser's `users/set_password/`."""

    access = {"post": SIGNED_IN}
    throttle_scope = "login"

    @swagger_auto_schema(
        operation_id="auth_users_set_password",
        operation_summary="Change your password (Djoser)",
        tags=["auth"],
        request_body=AuthSetPasswordSerializer,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        """Ends all other sessions."""
        data = valid(AuthSetPasswordSerializer, request)
        services.change_password(
            user=signed_in(request),
            old_password=data["current_password"],
            new_password=data["new_password"],
            field="current_password",
            session=session_of(request),
        )
        return Response(status=204)


class ResetPasswordView(DoorView):
    """Djoser's `users/reset_password/`."""

    throttle_scope = "reset"

    @swagger_auto_schema(
        operation_id="auth_users_reset_password",
        operation_summary="Ask for a reset link (Djoser)",
        tags=["auth"],
        request_body=EmailSerializer,
        responses={204: NOTHING, 429: "Too many requests, or `otp_cooldown`; see Retry-After."},
    )
    def post(self, request: Request) -> Response:
        """Answers the same whether or not the address is known."""
        services.request_reset_link(email=valid(EmailSerializer, request)["email"])
        return Response(status=204)


class ResetPasswordConfirmView(DoorView):
    """Djoser's `users/reset_password_confirm/`."""

    throttle_scope = "reset"

    @swagger_auto_schema(
        operation_id="auth_users_reset_password_confirm",
        operation_summary="Set a new password by link (Djoser)",
        tags=["auth"],
        request_body=AuthResetConfirmSerializer,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        """The link works once, within 30 minutes. Ends all sessions."""
        data = valid(AuthResetConfirmSerializer, request)
        data.pop("re_new_password", None)
        services.reset_password_by_link(**data, field="new_password")
        return Response(status=204)


class JwtCreateView(DoorView):
    """Djoser's `jwt/create/`."""

    throttle_scope = "login"

    @swagger_auto_schema(
        operation_id="auth_jwt_create",
        operation_summary="Log in (Djoser)",
        tags=["auth"],
        request_body=CredentialsSerializer,
        responses={
            200: TokensSerializer,
            401: "Refused, whatever the reason; or `two_factor_required` after a right password.",
            429: "Too many requests, passwords or codes; see Retry-After.",
        },
    )
    def post(self, request: Request) -> Response:
        """The refresh token does not rotate and lives 24 hours."""
        pair = log_in(request, services.log_in_without_rotation)
        return Response({"access": pair.access, "refresh": pair.refresh})


class JwtRefreshView(DoorView):
    """Djoser's `jwt/refresh/`."""

    throttle_scope = "token"

    @swagger_auto_schema(
        operation_id="auth_jwt_refresh",
        operation_summary="Refresh (Djoser)",
        tags=["auth"],
        request_body=RefreshSerializer,
        responses={
            200: AuthAccessSerializer,
            401: "The token is not valid.",
            409: "A rotating token that was used less than ten seconds ago.",
        },
    )
    def post(self, request: Request) -> Response:
        """A token of this door stays good; one of `/accounts/` is replaced."""
        return refresh(request)


class JwtVerifyView(DoorView):
    """Djoser's `jwt/verify/`."""

    throttle_scope = "token"

    @swagger_auto_schema(
        operation_id="auth_jwt_verify",
        operation_summary="Verify a token (Djoser)",
        tags=["auth"],
        request_body=TokenSerializer,
        responses={200: openapi.Schema(type=openapi.TYPE_OBJECT), 401: "The token is not valid."},
    )
    def post(self, request: Request) -> Response:
        """Answers an empty object."""
        services.verify(token=valid(TokenSerializer, request)["token"])
        return Response({})
