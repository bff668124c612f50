"""Changing and resetting passwords."""

from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services, tokens
from accounts.mailbox import MailPurpose
from accounts.models import Session
from accounts.selectors import signed_in
from accounts.serializers import (
    DetailSerializer,
    EmailSerializer,
    NewPasswordSerializer,
    PasswordChangeSerializer,
    PasswordResetByCodeSerializer,
    RepeatedPasswordSerializer,
)
from accounts.views.doors import DoorView, valid
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.views import ShopView

LINK_SENT = "If the address has an account, a link for a new password is on its way."
CODE_SENT = "If the address has an account, a code for a new password is on its way."
CHANGED = "The password is set. Log in with it."


def session_of(request: Request) -> Session | None:
    """Return the session whose token the request carries."""
    return request.auth if isinstance(request.auth, Session) else None


class ChangePasswordView(ShopView):
    """Give oneself a new password."""

    access = {"post": SIGNED_IN}
    throttle_scope = "login"
    messages = {"post": "The password is changed; all other sessions have ended."}

    @swagger_auto_schema(
        operation_id="accounts_change_password",
        operation_summary="Change your password",
        tags=["accounts"],
        request_body=PasswordChangeSerializer,
        responses={
            200: DetailSerializer,
            400: "Invalid, `invalid_password`, `weak_password`.",
            429: "Too many requests, or `too_many_passwords`; see Retry-After.",
        },
    )
    def post(self, request: Request) -> Response:
        """Ends all other sessions; the caller's own stays."""
        data = valid(PasswordChangeSerializer, request)
        services.change_password(
            user=signed_in(request), **data, field="old_password", session=session_of(request)
        )
        return Response({"detail": self.messages["post"]})


class RequestResetLinkView(DoorView):
    """Have a link for a new password mailed."""

    throttle_scope = "reset"
    messages = {"post": LINK_SENT}
    purpose = MailPurpose.RESET_LINK

    @swagger_auto_schema(
        operation_id="accounts_request_reset_email",
        operation_summary="Ask for a reset link",
        tags=["accounts"],
        request_body=EmailSerializer,
        responses={
            200: DetailSerializer,
            429: "Too many requests, or `otp_cooldown`; see Retry-After.",
        },
    )
    def post(self, request: Request) -> Response:
        """Answers the same whether or not the address is known."""
        email = valid(EmailSerializer, request)["email"]
        services.request_reset_link(email=email, purpose=self.purpose)
        return Response({"detail": LINK_SENT})


class RequestResetLinkAndTokenView(RequestResetLinkView):
    """The same under its other name; the mail also carries the two parts as one token."""

    purpose = MailPurpose.RESET_LINK_AND_TOKEN


class ConfirmResetLinkView(DoorView):
    """Set a new password by a mailed link."""

    throttle_scope = "reset"
    messages = {"post": CHANGED}

    @swagger_auto_schema(
        operation_id="accounts_password_reset_confirm",
        operation_summary="Set a new password by link",
        tags=["accounts"],
        request_body=NewPasswordSerializer,
        responses={200: DetailSerializer, 400: "Invalid, `invalid_reset_token`, `weak_password`."},
    )
    def post(self, request: Request, uidb64: str, token: str) -> Response:
        """The link works once, within 30 minutes. Ends all sessions."""
        data = valid(NewPasswordSerializer, request)
        services.reset_password_by_link(uid=uidb64, token=token, **data, field="new_password")
        return Response({"detail": CHANGED})


class ConfirmOnePartTokenView(DoorView):
    """Set a new password by a one-part token."""

    throttle_scope = "reset"
    messages = {"post": CHANGED}

    def post(self, request: Request, token: str) -> Response:
        """The token works once, within 30 minutes. Ends all sessions."""
        password = valid(RepeatedPasswordSerializer, request)["password"]
        uid, rest = tokens.split_uid_and_token(token)
        services.reset_password_by_link(
            uid=uid, token=rest, new_password=password, field="password"
        )
        return Response({"detail": CHANGED})


class RequestResetCodeView(DoorView):
    """Have a code for a new password mailed."""

    throttle_scope = "otp"
    messages = {"post": CODE_SENT}

    @swagger_auto_schema(
        operation_id="accounts_forgot_password",
        operation_summary="Ask for a reset code",
        tags=["accounts"],
        request_body=EmailSerializer,
        responses={
            200: DetailSerializer,
            429: "Too many requests, or `otp_cooldown`; see Retry-After.",
        },
    )
    def post(self, request: Request) -> Response:
        """Answers the same whether or not the address is known."""
        services.request_reset_code(email=valid(EmailSerializer, request)["email"])
        return Response({"detail": CODE_SENT})


class ResetByCodeView(DoorView):
    """Set a new password by a mailed code."""

    throttle_scope = "reset"
    messages = {"post": CHANGED}

    @swagger_auto_schema(
        operation_id="accounts_reset_password",
        operation_summary="Set a new password by code",
        tags=["accounts"],
        request_body=PasswordResetByCodeSerializer,
        responses={200: DetailSerializer, 400: "Invalid, `invalid_otp`, `weak_password`."},
    )
    def post(self, request: Request) -> Response:
        """Five wrong codes, and a new one must be asked for. Ends all sessions."""
        data = valid(PasswordResetByCodeSerializer, request)
        services.reset_password_by_code(
            email=data["email"], code=data["otp"], new_password=data["new_password"]
        )
        return Response({"detail": CHANGED})
