"""Who may do what: every action of every view declares one of these.

``access = {"list": ANYONE, "create": may("catalog.add_product")}``
"""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from shop_backend.kernel.errors import TwoFactorEnrolmentRequired


class Anyone(BasePermission):
    """No token needed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return True


class SignedIn(BasePermission):
    """Any account; the view's queryset says which rows are the caller's own."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated)


class Permission(BasePermission):
    """An account whose role grants the named Django permission."""

    message = "Your role does not allow this."

    def __init__(self, name: str) -> None:
        self.name = name

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not (user and user.is_authenticated):
            return False
        if user.must_enrol_two_factor:
            raise TwoFactorEnrolmentRequired
        return bool(user.has_perm(self.name))


ANYONE = Anyone()
SIGNED_IN = SignedIn()


def may(permission: str) -> Permission:
    """Return the access of those whose role grants ``app.codename``."""
    return Permission(permission)
