"""One suite, two readings of Stripe: our own double, and localstripe, written by others."""

import os
import secrets

import pytest
import stripe

from accounts.tests.factories import UserFactory
from payments import providers, services
from payments.errors import CardDeclined, InvalidPaymentMethod, PaymentUnderReview
from payments.events import PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded
from payments.models import ProviderEvent
from payments.providers.base import RefundRefused, UnexpectedState
from payments.tests.doubles.localstripe_server import LocalStripe, LocalStripeUnavailable
from payments.tests.doubles.shop import EagerClient, deliver, use_stripe_at
from payments.tests.doubles.stripe_server import StripeDouble
from shop_backend.kernel.money import Money

pytestmark = [pytest.mark.django_db]
SERVERS = {"double": StripeDouble, "localstripe": LocalStripe}
PRICE = Money(1999, "GBP")


@pytest.fixture(scope="session", params=SERVERS)
def server(request):
    try:
        with SERVERS[request.param]() as running:
            yield running
    except LocalStripeUnavailable as reason:
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture
def there(server, settings, monkeypatch):
    use_stripe_at(
        server.url,
        key=server.key,
        secret=server.secret,
        settings=settings,
        monkeypatch=monkeypatch,
    )
    return server


@pytest.fixture
def provider(there):
    return providers.get_provider("stripe")


def place(orders, customer):
    """Enter an order whose number the servers, which outlive a test, have never heard."""
    return orders.place(customer, number=f"R{secrets.randbelow(10**12):012d}")


@pytest.fixture
def payment(there, orders):
    """A payment that is announced and not yet paid."""
    customer = UserFactory()
    number = place(orders, customer)
    return services.start_payment(reference=number, customer=customer, payment_method=None)


@pytest.fixture
def authorized(there, orders, settings):
    """A payment that is authorised and not yet captured."""
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    customer = UserFactory()
    return services.start_payment(
        reference=place(orders, customer), customer=customer, payment_method="pm_card_visa"
    )


def pay(payment, method="pm_card_visa"):
    return services.start_payment(
        reference=payment.reference, customer=payment.customer, payment_method=method
    )


def in_the_browser(there, payment, method="pm_card_visa"):
    """Confirm as Stripe.js would: past the shop."""
    client = stripe.StripeClient(
        there.key, base_addresses={"api": there.url}, http_client=EagerClient()
    )
    client.v1.payment_intents.confirm(payment.provider_reference, {"payment_method": method})


def test_a_card_pays(payment, told):
    paid = pay(payment)

    assert (paid.status, paid.captured_minor, paid.is_open) == ("succeeded", 1999, False)
    assert told == [PaymentCaptured(payment.reference, payment.pk, PRICE)]


def test_a_declined_card_leaves_the_payment_open_for_another(payment, told):
    with pytest.raises(CardDeclined):
        pay(payment, "pm_card_chargeDeclined")
    paid = pay(payment)

    assert paid.captured_minor == 1999
    assert [type(news) for news in told] == [PaymentFailed, PaymentCaptured]


def test_an_unknown_method_is_refused(payment):
    with pytest.raises(InvalidPaymentMethod):
        pay(payment, "pm_of_nobody")


@pytest.mark.parametrize("agrees", [True, False])
def test_three_d_secure_is_the_customers_to_finish(there, payment, agrees):
    asked = pay(payment, "pm_card_authenticationRequired")
    there.authenticate(asked.provider_reference, asked.client_secret, agrees=agrees)
    ended = services.refresh_payment(payment_id=payment.pk)

    assert (asked.status, asked.next_action["type"]) == ("requires_action", "use_stripe_sdk")
    assert ended.captured_minor == (1999 if agrees else 0)
    assert ended.is_open is not agrees


def test_news_of_a_payment_in_the_browser_pays_once(there, payment, told):
    in_the_browser(there, payment)
    news = there.take("payment_intent.succeeded", payment.provider_reference)

    assert deliver(news, news) == [200, 200]
    assert told == [PaymentCaptured(payment.reference, payment.pk, PRICE)]
    assert ProviderEvent.objects.count() == 1


def test_news_changed_on_its_way_is_refused(there, payment, told):
    in_the_browser(there, payment)
    body, signature = there.take("payment_intent.succeeded", payment.provider_reference)

    assert deliver((body.replace(b"1999", b"2999"), signature)) == [400]
    assert told == []


def test_an_authorisation_is_captured_by_the_shop(authorized, told):
    captured = services.capture_payment(payment_id=authorized.pk)

    assert authorized.status == "requires_capture"
    assert (captured.status, captured.captured_minor) == ("succeeded", 1999)
    assert [type(news) for news in told] == [PaymentAuthorized, PaymentCaptured]


def test_an_authorisation_is_voided_and_cannot_be_captured(provider, authorized):
    voided = services.void_payment(payment_id=authorized.pk)

    assert voided.status == "canceled"
    with pytest.raises(UnexpectedState):
        provider.capture(
            provider_reference=authorized.provider_reference, idempotency_key="too-late"
        )


def test_news_of_a_cancellation_is_taken_in(there, provider, payment):
    intent = payment.provider_reference
    provider.cancel(provider_reference=intent, idempotency_key=f"{intent}-by-hand")

    deliver(there.take("payment_intent.canceled", intent))

    payment.refresh_from_db()
    assert (payment.status, payment.is_open) == ("canceled", False)


def test_refunds_in_parts_end_where_the_money_ends(provider, payment, told):
    pay(payment)
    for minor in (500, 1499):
        services.refund(
            payment_id=payment.pk,
            amount=Money(minor, "GBP"),
            reason="",
            actor_id=None,
            attempt_key=None,
        )

    assert [type(news) for news in told] == [PaymentCaptured, PaymentRefunded, PaymentRefunded]
    with pytest.raises(RefundRefused):
        provider.refund(
            provider_reference=payment.provider_reference,
            amount=Money(1, "GBP"),
            refund_id=1,
            idempotency_key=f"{payment.provider_reference}-beyond",
        )


def test_a_refund_made_at_stripe_is_entered_in_the_books(there, provider, payment):
    pay(payment)
    intent = payment.provider_reference
    provider.refund(
        provider_reference=intent,
        amount=Money(700, "GBP"),
        refund_id=2**60,
        idempotency_key=f"{intent}-in-the-dashboard",
    )

    deliver(there.take("refund.created", intent))

    payment.refresh_from_db()
    assert payment.refunded_minor == 700


def test_the_same_key_never_announces_twice(provider):
    def announce(minor):
        return provider.create_intent(
            amount=Money(minor, "GBP"),
            payment_id=1,
            reference="R1",
            capture_method="automatic",
            idempotency_key="announced-once",
        ).provider_reference

    first = announce(1999)

    assert announce(1999) == first
    with pytest.raises(PaymentUnderReview):
        announce(2000)


def test_an_intent_that_is_not_there_is_told_as_such(provider):
    with pytest.raises(PaymentUnderReview):
        provider.retrieve(provider_reference="pi_of_another_account")
