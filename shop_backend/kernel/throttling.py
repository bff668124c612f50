"""How often one caller may ask: per account, else per address. Off with RATE_LIMITS=off."""

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shop_backend.kernel import budgets, shared
from shop_backend.kernel.budgets import Rate, Verdict

# Every request pays for this one, and no read is to write to the database: it is counted in Redis,
# else in memory, as a bound on each process. What guards a secret has a scope of its own.
_OF_EVERY_REQUEST = "default"


class ScopeThrottle(BaseThrottle):
    """The rate of the view's ``throttle_scope``, or of ``throttle_scopes`` by action."""

    verdict: Verdict

    def allow_request(self, request: Request, view: Any) -> bool:
        if not settings.RATE_LIMITS:
            return True
        counted = getattr(request._request, "rate_limit", None)
        if counted is None:
            caller = caller_of(request.user, address=self.get_ident(request))
            counted = self._count(request._request, view, caller)
        self.verdict = counted
        return self.verdict.is_allowed

    def allow_anonymous(self, request: HttpRequest, view: Any) -> bool:
        """Count a request without a token before the view's own machinery has begun.

        It is not counted again: a refusal is answered there, from the verdict that stands.
        """
        verdict = count_anonymous(request.META, scope=scope_of(view))
        if verdict is None:
            return True
        request.rate_limit = verdict  # type: ignore[attr-defined]  # as in _count
        return verdict.is_allowed

    def _count(self, request: HttpRequest, view: Any, caller: str) -> Verdict:
        try:
            scope, unreadable = scope_of(view), None
        except APIException as error:  # a scope may depend on the body
            scope, unreadable = _always(view), error
        verdict = _spend(scope, caller)
        if unreadable is not None and verdict.is_allowed:
            raise unreadable
        # For the RateLimit-* headers; the view sees the same request object.
        request.rate_limit = verdict  # type: ignore[attr-defined]  # a note of our own on it
        return verdict

    def wait(self) -> float:
        return self.verdict.retry_after_seconds


class _Asked(NamedTuple):
    """What DRF looks at to tell the address of a caller."""

    META: Mapping[str, Any]
    headers: Mapping[str, str | None]


def count_anonymous(meta: Mapping[str, Any], *, scope: str) -> Verdict | None:
    """Count a request without a token by its ``META``; ``None`` where nothing is counted."""
    if not settings.RATE_LIMITS:
        return None
    asked: Any = _Asked(meta, {"x-forwarded-for": meta.get("HTTP_X_FORWARDED_FOR")})
    address = BaseThrottle().get_ident(asked)
    return _spend(scope, caller_of(None, address=address))


def _spend(scope: str, caller: str) -> Verdict:
    return budgets.spend(
        f"{scope} {caller}",
        Rate.parse(settings.THROTTLE_RATES[scope]),
        store=shared.quick_store() if scope == _OF_EVERY_REQUEST else shared.store(),
    )


def scope_of(view: Any) -> str:
    """Return the name of the rate that counts for the view's action."""
    by_action: Mapping[str, str] = getattr(view, "throttle_scopes", {})
    return by_action.get(getattr(view, "action_name", None) or "", _always(view))


def _always(view: Any) -> str:
    scope: str = getattr(view, "throttle_scope", _OF_EVERY_REQUEST)
    return scope


def caller_of(user: Any, *, address: str) -> str:
    """Return who is counted: the account, else the network address (IPv6: its /64 network)."""
    if user and user.is_authenticated:
        return f"user {user.pk}"
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return f"from {address[:50]}"
    if isinstance(ip, ipaddress.IPv6Address):
        # One subscriber owns at least a /64 (RFC 6177) and could ask from 2**64 addresses.
        return f"from {ip.ipv4_mapped or ipaddress.ip_network((int(ip) >> 64 << 64, 64))}"
    return f"from {ip}"
