"""One's own account."""

from collections.abc import Callable, Mapping
from typing import Any

from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import User
from accounts.serializers import (
    AccountDeletionSerializer,
    ProfileSerializer,
    ProfileUpdateSerializer,
)
from accounts.views.doors import valid
from accounts.views.passwords import session_of
from shop_backend.kernel.access import ANYONE, SIGNED_IN
from shop_backend.kernel.views import ShopViewSet

HAS_CHANGED = "The profile has changed since it was read."
_CHANGE = {
    "request_body": ProfileUpdateSerializer,
    "tags": ["accounts"],
    "responses": {
        200: ProfileSerializer,
        400: "Invalid, `email_taken`, or for a new email `password_required` (the login is more"
        " than 10 minutes old) or `invalid_password`, and with a second factor"
        " `two_factor_code_required` or `invalid_two_factor_code`.",
        412: HAS_CHANGED,
        429: "Too many requests, `too_many_passwords`, `too_many_two_factor_codes` or"
        " `otp_cooldown`; see Retry-After.",
    },
}


class TriesSecretsMixin(ShopViewSet):
    """For a change that a password may come with, and a code of the second factor.

    A try of them is counted even where the change is refused, so it does not stand in the change's
    transaction: then ``If-Match`` is compared before, and not under the lock.
    """

    def _change_what_matches(
        self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        if _tries_a_secret(request):
            return handler(request, *args, **kwargs)
        return super()._change_what_matches(handler, request, *args, **kwargs)


def _tries_a_secret(request: Request) -> bool:
    field = "current_password" if request.method == "DELETE" else "email"
    return isinstance(request.data, Mapping) and bool(request.data.get(field))


class ProfileViewSet(TriesSecretsMixin):
    """The current user."""

    serializer_class: Any = ProfileSerializer
    pagination_class = None
    access = {
        "retrieve": SIGNED_IN,
        "update": SIGNED_IN,
        "partial_update": SIGNED_IN,
        "destroy": SIGNED_IN,
    }

    throttle_scopes = {"update": "register", "partial_update": "register", "destroy": "login"}
    messages = {
        "update": "Saved.",
        "partial_update": "Saved.",
        "destroy": "The account is deleted.",
    }

    def sentence(self, name: str, response: Response) -> str | None:
        said = super().sentence(name, response)
        is_change = name in {"update", "partial_update"}
        if is_change and "email" in self.request.data and response.data.get("pending_email"):
            return f"{said} The new email takes effect once its code is verified."
        return said

    def get_object(self) -> Any:
        user = self.request.user
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(user)
        return user

    def lock(self, instance: Any) -> None:
        super().lock(instance)
        instance.refresh_from_db()  # it was read to see who asks

    @swagger_auto_schema(
        operation_id="accounts_user_read",
        operation_summary="Your profile",
        tags=["accounts"],
        responses={200: ProfileSerializer},
    )
    def retrieve(self, request: Request) -> Response:
        """Shows the account, its roles, and a new email that waits for its code."""
        return Response(self.get_serializer(self.get_object()).data)

    @swagger_auto_schema(
        operation_id="accounts_user_update", operation_summary="Change your profile", **_CHANGE
    )
    def update(self, request: Request) -> Response:
        """What is left out stays. A new email takes effect only after its code."""
        data = valid(ProfileUpdateSerializer, request)
        user = update_own_profile(request, self.get_object(), data)
        return Response(self.get_serializer(user).data)

    @swagger_auto_schema(
        operation_id="accounts_user_partial_update",
        operation_summary="Change parts of your profile",
        **_CHANGE,
    )
    def partial_update(self, request: Request) -> Response:
        """What is left out stays. A new email takes effect only after its code."""
        return self.update(request)

    @swagger_auto_schema(
        operation_id="accounts_user_delete",
        operation_summary="Delete your account",
        tags=["accounts"],
        request_body=AccountDeletionSerializer,
        responses={
            200: "Deleted.",
            400: "`password_required` or `invalid_password`.",
            409: "`staff_account`.",
            412: HAS_CHANGED,
            429: "Too many requests, or `too_many_passwords`; see Retry-After.",
        },
    )
    def destroy(self, request: Request) -> Response:
        """Anonymises it; orders and invoices stay. Within ten minutes of a login no password."""
        delete_own(request, self.get_object())
        return Response(status=204)


class UserInfoViewSet(ProfileViewSet):
    """The profile under its other name, where a page finds out whether anybody is signed in."""

    access = {"retrieve": ANYONE, "update": SIGNED_IN}

    def retrieve(self, request: Request) -> Response:
        """Shows the profile; to an anonymous caller that there is none."""
        if request.user.is_authenticated:
            return super().retrieve(request)
        return Response({"is_authenticated": False}, headers={"Cache-Control": "no-store"})


def update_own_profile(request: Request, user: User, data: dict[str, Any]) -> User:
    """Change one's own account by what a request holds."""
    return services.update_profile(
        user=user,
        session=session_of(request),
        current_password=data.get("current_password", ""),
        first_name=data.get("first_name"),
        last_name=data.get("last_name"),
        email=data.get("email"),
        otp=data.get("otp", ""),
    )


def delete_own(request: Request, user: User) -> None:
    """End one's own account at whichever path the wish arrives."""
    data = valid(AccountDeletionSerializer, request)
    services.delete_own_account(user=user, session=session_of(request), **data)
