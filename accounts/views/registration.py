"""Registering and verifying an email."""

from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.serializers import (
    DetailSerializer,
    EmailSerializer,
    OtpVerificationSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
)
from accounts.views.doors import DoorView, valid

SENT = "If something waits to be verified at this address, a new code is on its way."


def register(request: Request) -> Response:
    """Answer a registration, at whichever path it arrives."""
    data = valid(RegistrationSerializer, request)
    data.pop("re_password", None)
    user = services.register(**data)
    return Response(RegisteredSerializer(user).data, status=201)


class RegisterView(DoorView):
    """Make an account; there is no login before its email is verified."""

    throttle_scope = "register"
    messages = {"post": "Registered. A code was mailed to verify the address."}

    @swagger_auto_schema(
        operation_id="accounts_register",
        operation_summary="Register an account",
        tags=["accounts"],
        request_body=RegistrationSerializer,
        responses={
            201: RegisteredSerializer,
            400: "Invalid, or `username_taken` or `email_taken`.",
            429: "Too many requests, or `otp_cooldown`; see Retry-After.",
        },
    )
    def post(self, request: Request) -> Response:
        """Mails a six-digit code. A new registration replaces an unverified one."""
        return register(request)


class VerifyOtpView(DoorView):
    """Verify an address by the code that was mailed to it."""

    throttle_scope = "otp"
    messages = {"post": "The email is verified."}

    @swagger_auto_schema(
        operation_id="accounts_verify_otp",
        operation_summary="Verify an email by its code",
        tags=["accounts"],
        request_body=OtpVerificationSerializer,
        responses={200: DetailSerializer, 400: "Invalid, `invalid_otp` or `email_taken`."},
    )
    def post(self, request: Request) -> Response:
        """For a registration, and for the new address of a change of email."""
        data = valid(OtpVerificationSerializer, request)
        services.verify_email(email=data["email"], code=data["otp"])
        return Response({"detail": self.messages["post"]})


class ResendOtpView(DoorView):
    """Mail a new code; the old one dies."""

    throttle_scope = "otp"
    messages = {"post": SENT}

    @swagger_auto_schema(
        operation_id="accounts_resend_otp",
        operation_summary="Ask for a new code",
        tags=["accounts"],
        request_body=EmailSerializer,
        responses={
            200: DetailSerializer,
            429: "Too many requests, or `otp_cooldown`; see Retry-After.",
        },
    )
    def post(self, request: Request) -> Response:
        """Answers the same whether or not the address is known."""
        services.request_activation_code(email=valid(EmailSerializer, request)["email"])
        return Response({"detail": SENT})
