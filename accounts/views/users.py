"""Accounts for staff; one's own for everybody."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.filters import UserFilter
from accounts.models import User
from accounts.selectors import signed_in
from accounts.serializers import (
    AccountDeletionSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
    UserSerializer,
    UserUpdateSerializer,
)
from accounts.views.profile import TriesSecretsMixin, delete_own, update_own_profile
from accounts.views.registration import register
from shop_backend.kernel.access import ANYONE, SIGNED_IN, may
from shop_backend.kernel.errors import TwoFactorEnrolmentRequired
from shop_backend.kernel.views import ShopViewSet

_CHANGE = {
    "request_body": UserUpdateSerializer,
    "tags": ["accounts"],
    "responses": {
        200: UserSerializer,
        400: "Invalid, `email_taken`, or for one's own new email `password_required` (the login"
        " is more than 10 minutes old) or `invalid_password`.",
        403: "`permission_denied`, `protected_account` or `not_your_email`.",
        409: "`own_account`: staff do not deactivate themselves.",
        429: "Too many requests, `too_many_passwords`, `too_many_two_factor_codes` or"
        " `otp_cooldown`; see Retry-After.",
    },
}


class UserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TriesSecretsMixin):
    """An account is its owner's or staff's; other people's do not exist for a customer."""

    queryset = User.objects.all()
    serializer_class = UserSerializer
    filterset_class = UserFilter
    orderings = {
        "username": "username",
        "email": "email",
        "date_joined": "date_joined",
        "id": "pk",
    }
    access = {
        "list": may("accounts.view_user"),
        "create": ANYONE,
        "retrieve": SIGNED_IN,
        "update": SIGNED_IN,
        "partial_update": SIGNED_IN,
        "destroy": SIGNED_IN,
    }

    throttle_scopes = {
        "create": "register",
        "update": "register",
        "partial_update": "register",
        "destroy": "login",
    }
    messages = {
        "create": "Registered. A code was mailed to verify the address.",
        "destroy": "The account is deleted.",
    }

    @property
    def authentication_classes(self) -> Sequence[type[BaseAuthentication]]:  # type: ignore[override]  # a plain attribute of its base
        """None for registering, which ignores whatever header is sent."""
        if getattr(self.request, "method", None) == "POST":
            return ()
        return ShopViewSet.authentication_classes

    def get_queryset(self) -> QuerySet[User]:
        users = User.objects.prefetch_related("groups")
        if getattr(self, "swagger_fake_view", False) or self._may("accounts.view_user"):
            return users
        return users.filter(pk=signed_in(self.request).pk)

    @swagger_auto_schema(
        operation_id="accounts_users_list",
        operation_summary="List and search accounts",
        tags=["accounts"],
        responses={200: UserSerializer(many=True)},
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """For staff. `search` looks into usernames, emails and names."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="accounts_users_create",
        operation_summary="Register an account (the same as register)",
        tags=["accounts"],
        request_body=RegistrationSerializer,
        responses={
            201: RegisteredSerializer,
            400: "Invalid, or `username_taken` or `email_taken`.",
            429: "Too many requests, or `otp_cooldown`; see Retry-After.",
        },
    )
    def create(self, request: Request) -> Response:
        """Mails a six-digit code. A new registration replaces an unverified one."""
        return register(request)

    @swagger_auto_schema(
        operation_id="accounts_users_read",
        operation_summary="One account",
        tags=["accounts"],
        responses={200: UserSerializer},
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One's own, and for staff anybody's."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="accounts_users_update", operation_summary="Change an account", **_CHANGE
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Staff change names and `is_active`; nobody sets another's email or password."""
        user = self._change(self.get_object(), valid_update(request))
        now = get_object_or_404(self.get_queryset(), pk=user.pk)  # or gone in the meantime
        return Response(self.get_serializer(now).data)

    @swagger_auto_schema(
        operation_id="accounts_users_partial_update",
        operation_summary="Change parts of an account",
        **_CHANGE,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Staff change names and `is_active`; nobody sets another's email or password."""
        return self.update(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="accounts_users_delete",
        operation_summary="Delete an account",
        tags=["accounts"],
        request_body=AccountDeletionSerializer,
        responses={
            200: "Deleted.",
            400: "`password_required` or `invalid_password`.",
            403: "Staff need `accounts.delete_user` for another's.",
            409: "`staff_account`.",
            429: "Too many requests, or `too_many_passwords`; see Retry-After.",
        },
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Anonymises it; one's own as at `/accounts/user/`, with `current_password`."""
        user = self.get_object()
        if user.pk == request.user.pk:
            delete_own(request, user)
        else:
            self._require("accounts.delete_user")
            services.delete_account_as_staff(user=user)
        return Response(status=204)

    def _change(self, user: User, data: dict[str, Any]) -> User:
        actor: Any = self.request.user
        if user.pk != actor.pk:
            self._require("accounts.change_user")
            data.pop("current_password")
            data.pop("otp", None)
            return services.update_user_as_staff(user=user, actor=actor, **data)
        is_active = data.pop("is_active", None)
        if is_active is not None and self._may("accounts.change_user"):
            services.set_active(user=user, actor=actor, is_active=is_active)
        return update_own_profile(self.request, user, data)

    def _may(self, permission: str) -> bool:
        user = self.request.user
        return user.is_authenticated and user.has_perm(permission)

    def _require(self, permission: str) -> None:
        if signed_in(self.request).must_enrol_two_factor:
            raise TwoFactorEnrolmentRequired
        if not self._may(permission):
            raise PermissionDenied("Your role does not allow this.")


def valid_update(request: Request) -> dict[str, Any]:
    """Return the changes that a request holds."""
    serializer = UserUpdateSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
