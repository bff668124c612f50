"""How often one caller may ask: per account, else per address. Off with RATE_LIMITS=off."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle


class ScopeThrottle(ScopedRateThrottle):
    """The rate of the view's ``throttle_scope``, or of ``throttle_scopes`` by action."""

    def get_rate(self) -> str | None:
        return settings.THROTTLE_RATES[self.scope or "default"]

    def allow_request(self, request: Request, view: Any) -> bool:
        if not settings.RATE_LIMITS:
            return True
        scopes = getattr(view, "throttle_scopes", {})
        self.scope = scopes.get(getattr(view, "action_name", "")) or getattr(
            view, "throttle_scope", "default"
        )
        self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super(ScopedRateThrottle, self).allow_request(request, view)
