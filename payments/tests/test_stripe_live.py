"""Against Stripe itself, in test mode: ``STRIPE_SECRET_KEY=sk_test_… pytest -m stripe_live``.

The one suite that leaves the machine; it is skipped unless a test key is given.
"""

import secrets

import pytest
import stripe
from django.conf import settings

from payments.errors import AmountNotPayable, PaymentUnderReview
from payments.providers.base import TIMEOUT_SECONDS, RefundRefused, UnexpectedState
from payments.providers.stripe import StripeProvider
from shop_backend.kernel.money import Money

LIVE_KEY = settings.STRIPE_LIVE_KEY
pytestmark = [
    pytest.mark.stripe_live,
    pytest.mark.skipif(
        not LIVE_KEY.startswith("sk_test_"),
        reason="talks to Stripe itself; set STRIPE_SECRET_KEY=sk_test_... to run it",
    ),
]


@pytest.fixture
def provider(settings):
    settings.STRIPE_SECRET_KEY = LIVE_KEY
    return StripeProvider(stripe.RequestsClient(timeout=TIMEOUT_SECONDS))


@pytest.fixture
def key():
    """A name for this test's requests that no run before had."""
    return f"live-{secrets.token_hex(8)}"


def announce(provider, key, *, minor=1999, capture_method="automatic"):
    return provider.create_intent(
        amount=Money(minor, "GBP"),
        payment_id=1,
        reference=key,
        capture_method=capture_method,
        idempotency_key=key,
    )


def confirm(provider, intent, key, method):
    return provider.confirm(
        provider_reference=intent.provider_reference,
        payment_method=method,
        idempotency_key=f"{key}-confirm-{method}",
    )


def refund(provider, intent, key, minor):
    return provider.refund(
        provider_reference=intent.provider_reference,
        amount=Money(minor, "GBP"),
        refund_id=1,
        idempotency_key=f"{key}-refund-{minor}",
    )


def test_a_declined_card_then_a_good_one_then_refunds_up_to_the_last_penny(provider, key):
    intent = announce(provider, key)

    declined = confirm(provider, intent, key, "pm_card_visa_chargeDeclined")
    paid = confirm(provider, intent, key, "pm_card_visa")
    parts = [refund(provider, intent, key, minor) for minor in (500, 1499)]

    assert (declined.status, declined.failure_code) == (
        "requires_payment_method",
        "generic_decline",
    )
    assert (paid.status, paid.captured, paid.reference) == ("succeeded", Money(1999, "GBP"), key)
    assert {part.status for part in parts} == {"succeeded"}
    with pytest.raises(RefundRefused):
        refund(provider, intent, key, 1)


def test_the_same_key_announces_once(provider, key):
    first = announce(provider, key)

    assert announce(provider, key).provider_reference == first.provider_reference
    with pytest.raises(PaymentUnderReview):
        announce(provider, key, minor=2000)


def test_an_authorisation_is_captured_once(provider, key):
    intent = announce(provider, key, capture_method="manual")
    authorized = confirm(provider, intent, key, "pm_card_visa")
    capture = {"provider_reference": intent.provider_reference}

    captured = provider.capture(**capture, idempotency_key=f"{key}-capture")

    assert authorized.status == "requires_capture"
    assert captured.captured == Money(1999, "GBP")
    with pytest.raises(UnexpectedState):
        provider.capture(**capture, idempotency_key=f"{key}-capture-again")


def test_three_d_secure_asks(provider, key):
    asked = confirm(provider, announce(provider, key), key, "pm_card_authenticationRequired")

    assert asked.status == "requires_action"
    canceled = provider.cancel(
        provider_reference=asked.provider_reference, idempotency_key=f"{key}-cancel"
    )
    assert canceled.status == "canceled"


def test_refusals_are_told_apart(provider, key):
    with pytest.raises(AmountNotPayable):
        announce(provider, key, minor=1)
    with pytest.raises(PaymentUnderReview):
        provider.retrieve(provider_reference="pi_of_nobody")
