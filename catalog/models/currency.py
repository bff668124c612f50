"""The currency of new prices."""

from django.conf import settings


def shop_currency() -> str:
    """Return the currency of new prices."""
    return settings.SHOP_CURRENCY
