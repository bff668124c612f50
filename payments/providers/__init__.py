"""Which provider collects, and how to reach each by its name."""

import importlib

from django.conf import settings

from payments.errors import ProviderNotConfigured
from payments.providers.base import PaymentProvider
from payments.providers.sandbox import SandboxProvider

STRIPE = "stripe"
_providers: dict[str, PaymentProvider] = {SandboxProvider.name: SandboxProvider()}


def get_provider(name: str) -> PaymentProvider:
    """Return the provider of this name, whether or not new payments go to it.

    :raises ProviderNotConfigured: this shop has none of that name.
    """
    if not is_known(name):
        raise ProviderNotConfigured
    if name not in _providers:
        # Stripe's SDK is large: loaded where it is used.
        module = importlib.import_module("payments.providers.stripe")
        _providers[name] = module.StripeProvider()
    return _providers[name]


def get_current_provider() -> PaymentProvider:
    """Return the provider that new payments go to."""
    return get_provider(settings.PAYMENT_PROVIDER)


def get_known_names() -> list[str]:
    """Return the providers whose payments can be worked on."""
    return [name for name in sorted({*_providers, STRIPE}) if is_known(name)]


def is_known(name: str) -> bool:
    """Return whether payments of this provider can be worked on."""
    return name in _providers or (name == STRIPE and bool(settings.STRIPE_SECRET_KEY))
