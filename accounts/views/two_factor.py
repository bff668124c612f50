"""The second factor of one's own account."""

from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.serializers import (
    DetailSerializer,
    EnrolmentSerializer,
    RecoveryCodesSerializer,
    TwoFactorBeginningSerializer,
    TwoFactorCodeSerializer,
    TwoFactorProofSerializer,
    TwoFactorSerializer,
)
from accounts.views.doors import ChallengingView, valid
from accounts.views.passwords import session_of
from shop_backend.kernel.access import SIGNED_IN

_TOO_MANY = "Too many requests, or `too_many_two_factor_codes`; see Retry-After."
_TOO_MANY_PASSWORDS = "Too many requests, or `too_many_passwords`; see Retry-After."
_TOO_MANY_PROOFS = (
    "Too many requests, `too_many_passwords` or `too_many_two_factor_codes`; see Retry-After."
)
_PROOF = "`invalid_password` or `invalid_two_factor_code`."
_NOT_ON = "`two_factor_not_on`."


class TwoFactorView(ChallengingView):
    """Whether it is on, and the beginning."""

    access = {"get": SIGNED_IN, "post": SIGNED_IN}
    throttle_scopes = {"post": "login"}
    messages = {"post": "Enter the secret into your app, and confirm with a code of it."}

    @swagger_auto_schema(
        operation_id="accounts_two_factor_read",
        operation_summary="Your second factor",
        tags=["accounts"],
        responses={200: TwoFactorSerializer},
    )
    def get(self, request: Request) -> Response:
        """Says whether it is on, whether a role demands it, and how many codes are left."""
        state = selectors.get_two_factor_state(selectors.signed_in(request))
        return Response(TwoFactorSerializer(state).data, headers={"Cache-Control": "no-store"})

    @swagger_auto_schema(
        operation_id="accounts_two_factor_begin",
        operation_summary="Begin with a second factor",
        tags=["accounts"],
        request_body=TwoFactorBeginningSerializer,
        responses={
            200: EnrolmentSerializer,
            400: "`password_required`: the login is more than 10 minutes old; `invalid_password`.",
            409: "`two_factor_already_on`.",
            429: _TOO_MANY_PASSWORDS,
        },
    )
    def post(self, request: Request) -> Response:
        """Shows a new secret, once. It counts after it was confirmed with a code."""
        user = selectors.signed_in(request)
        password = valid(TwoFactorBeginningSerializer, request)["current_password"]
        services.require_presence(user=user, session=session_of(request), current_password=password)
        enrolment = services.begin_two_factor(user=user)
        data = EnrolmentSerializer(enrolment).data
        return Response(data, headers={"Cache-Control": "no-store"})


class ConfirmTwoFactorView(ChallengingView):
    """Switch it on."""

    access = {"post": SIGNED_IN}
    throttle_scope = "login"
    messages = {"post": "Your second factor is on. Keep the recovery codes."}

    @swagger_auto_schema(
        operation_id="accounts_two_factor_confirm",
        operation_summary="Switch the second factor on",
        tags=["accounts"],
        request_body=TwoFactorCodeSerializer,
        responses={
            200: RecoveryCodesSerializer,
            400: "`invalid_two_factor_code`.",
            409: "`two_factor_not_on` or `two_factor_already_on`.",
            429: _TOO_MANY,
        },
    )
    def post(self, request: Request) -> Response:
        """Shows ten recovery codes, once; each replaces the app once. Ends other sessions."""
        codes = services.confirm_two_factor(
            user=selectors.signed_in(request),
            code=valid(TwoFactorCodeSerializer, request)["code"],
            session=session_of(request),
        )
        return Response({"recovery_codes": codes}, headers={"Cache-Control": "no-store"})


class RecoveryCodesView(ChallengingView):
    """New recovery codes."""

    access = {"post": SIGNED_IN}
    throttle_scope = "login"
    messages = {"post": "The old recovery codes are void. Keep the new ones."}

    @swagger_auto_schema(
        operation_id="accounts_two_factor_recovery_codes",
        operation_summary="Renew the recovery codes",
        tags=["accounts"],
        request_body=TwoFactorProofSerializer,
        responses={200: RecoveryCodesSerializer, 400: _PROOF, 409: _NOT_ON, 429: _TOO_MANY_PROOFS},
    )
    def post(self, request: Request) -> Response:
        """Shows ten new ones, once."""
        data = valid(TwoFactorProofSerializer, request)
        codes = services.renew_recovery_codes(user=selectors.signed_in(request), **data)
        return Response({"recovery_codes": codes}, headers={"Cache-Control": "no-store"})


class SwitchTwoFactorOffView(ChallengingView):
    """Let the password alone be enough again."""

    access = {"post": SIGNED_IN}
    throttle_scope = "login"
    messages = {"post": "The second factor is off."}

    @swagger_auto_schema(
        operation_id="accounts_two_factor_switch_off",
        operation_summary="Switch the second factor off",
        tags=["accounts"],
        request_body=TwoFactorProofSerializer,
        responses={200: DetailSerializer, 400: _PROOF, 409: _NOT_ON, 429: _TOO_MANY_PROOFS},
    )
    def post(self, request: Request) -> Response:
        """Needs password and code; ends all other sessions."""
        services.switch_two_factor_off(
            user=selectors.signed_in(request),
            session=session_of(request),
            **valid(TwoFactorProofSerializer, request),
        )
        return Response({"detail": self.messages["post"]})
