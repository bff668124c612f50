"""The knobs of payments, as the settings turn them."""

from django.conf import settings

from shop_backend.kernel.money import Money


def get_support_refund_limit(currency: str) -> Money:
    """Return how much of one payment the support role may refund, all refunds together."""
    return Money(settings.SUPPORT_REFUND_LIMIT_MINOR, currency)


def get_support_refund_day_limit(currency: str) -> Money:
    """Return how much one person of the support role may refund in 24 hours."""
    return Money(settings.SUPPORT_REFUND_DAY_LIMIT_MINOR, currency)


def get_capture_method() -> str:
    """Return ``automatic`` (captured when confirmed) or ``manual`` (authorised first)."""
    return settings.PAYMENT_CAPTURE_METHOD
