"""How often one caller may ask: per account, else per address. Off with RATE_LIMITS=off."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shop_backend.kernel import budgets, shared
from shop_backend.kernel.budgets import Rate, Verdict

# Every request pays for this one, so it is counted in memory: a bound on each process.
_COUNTED_HERE = "default"


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
        if not settings.RATE_LIMITS:
            return True
        address = self.get_ident(request)  # type: ignore[arg-type]  # it reads META alone
        return self._count(request, view, caller_of(None, address=address)).is_allowed

    def _count(self, request: HttpRequest, view: Any, caller: str) -> Verdict:
        scope = _scope_of(view)
        verdict = budgets.spend(
            f"{scope} {caller}",
            Rate.parse(settings.THROTTLE_RATES[scope]),
            store=budgets.IN_MEMORY if scope == _COUNTED_HERE else shared.store(),
        )
        # For the RateLimit-* headers; the view sees the same request object.
        request.rate_limit = verdict  # type: ignore[attr-defined]
        return verdict

    def wait(self) -> float:
        return self.verdict.retry_after_seconds - 1  # DRF's answer adds one


def _scope_of(view: Any) -> str:
    by_action: Mapping[str, str] = getattr(view, "throttle_scopes", {})
    always: str = getattr(view, "throttle_scope", _COUNTED_HERE)
    return by_action.get(getattr(view, "action_name", None) or "", always)


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
