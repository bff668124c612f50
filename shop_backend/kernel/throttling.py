"""How often one caller may ask: per account, else per address. Off with RATE_LIMITS=off."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shop_backend.kernel import budgets
from shop_backend.kernel.budgets import Rate, Verdict

# Every request pays for this one, so it is counted in memory: a bound on each process.
_COUNTED_HERE = "default"


class ScopeThrottle(BaseThrottle):
    """The rate of the view's ``throttle_scope``, or of ``throttle_scopes`` by action."""

    verdict: Verdict

    def allow_request(self, request: Request, view: Any) -> bool:
        if not settings.RATE_LIMITS:
            return True
        scope = _scope_of(view)
        self.verdict = budgets.spend(
            f"{scope} {caller_of(request, address=self.get_ident(request))}",
            Rate.parse(settings.THROTTLE_RATES[scope]),
            store=budgets.IN_MEMORY if scope == _COUNTED_HERE else budgets.IN_DATABASE,
        )
        # For the RateLimit-* headers; the view sees the same request object.
        request._request.rate_limit = self.verdict  # type: ignore[attr-defined]
        return self.verdict.is_allowed

    def wait(self) -> float:
        return self.verdict.retry_after_seconds - 1  # DRF's answer adds one


def _scope_of(view: Any) -> str:
    by_action: Mapping[str, str] = getattr(view, "throttle_scopes", {})
    always: str = getattr(view, "throttle_scope", _COUNTED_HERE)
    return by_action.get(getattr(view, "action_name", None) or "", always)


def caller_of(request: Request, *, address: str) -> str:
    """Return who is counted: the account, else the network address (IPv6: its /64 network)."""
    if request.user and request.user.is_authenticated:
        return f"user {request.user.pk}"
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return f"from {address[:50]}"
    if isinstance(ip, ipaddress.IPv6Address):
        # One subscriber owns at least a /64 (RFC 6177) and could ask from 2**64 addresses.
        return f"from {ip.ipv4_mapped or ipaddress.ip_network((int(ip) >> 64 << 64, 64))}"
    return f"from {ip}"
