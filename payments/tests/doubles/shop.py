"""The shop set to collect at a Stripe that is not Stripe."""

from typing import Any

import stripe

from payments import providers
from payments.providers.stripe import StripeProvider
from tests.client import ShopClient

WEBHOOK = "/api/payments/webhooks/stripe/"


class EagerClient(stripe.RequestsClient):
    """The SDK's own way over HTTP, which repeats at once instead of after a pause."""

    def __init__(self, *, timeout_seconds: float = 10) -> None:
        super().__init__(timeout=timeout_seconds)

    def _sleep_time_seconds(self, *args: Any, **kwargs: Any) -> float:
        return 0


def use_stripe_at(url: str, *, key: str, secret: str, settings: Any, monkeypatch: Any) -> None:
    """Make the shop collect at ``url``, through the official SDK."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = key, secret
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_shop"
    settings.STRIPE_API_BASE = url
    use_client(EagerClient(), monkeypatch=monkeypatch)


def use_client(client: stripe.HTTPClient, *, monkeypatch: Any) -> None:
    """Give the provider of the shop this client."""
    monkeypatch.setitem(providers._providers, "stripe", StripeProvider(client))


def deliver(*deliveries: tuple[bytes, str]) -> list[int]:
    """Bring events to the shop's webhook, in this order, and return what it answered."""
    client = ShopClient()
    return [
        client.generic(
            "POST",
            WEBHOOK,
            body,  # type: ignore[arg-type]  # bytes are taken, whatever the stubs say
            "application/json",
            headers={"Stripe-Signature": signature},
        ).status_code
        for body, signature in deliveries
    ]
