"""A purchase paid through Stripe, end to end: the order hears of it by the signed webhook."""

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from payments.models import ProviderEvent
from payments.tests.doubles.shop import deliver, use_stripe_at
from payments.tests.doubles.stripe_server import StripeDouble
from shipping.tests.factories import AddressFactory, ShippingMethodFactory
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture
def double(settings, monkeypatch):
    with StripeDouble() as server:
        use_stripe_at(
            server.url,
            key=server.key,
            secret=server.secret,
            settings=settings,
            monkeypatch=monkeypatch,
        )
        yield server


@pytest.fixture
def client():
    customer = UserFactory()
    AddressFactory(user=customer, is_default=True)
    ShippingMethodFactory(price_minor=399)
    client = ShopClient()
    client.force_authenticate(customer)
    return client


def place(client, quantity=2):
    variant = VariantFactory(stock=5, price_minor=1250)
    body = {"items": [{"variant_id": variant.pk, "quantity": quantity}]}
    answer = client.post("/api/orders/", body, format="json")
    assert answer.status_code == 201, answer.json()
    return answer.json()["data"]["number"]


def states_of(client, number):
    order = client.get(f"/api/orders/{number}/").json()["data"]
    return order["status"], order["payment_status"]


def pay_in_browser(double, client, number):
    """Start the payment here, and confirm it as Stripe.js does: past the shop."""
    started = client.post("/api/payments/", {"order_id": number}, format="json").json()["data"]
    intent = started["client_secret"].partition("_secret_")[0]
    path = f"/v1/payment_intents/{intent}/confirm"
    double.account.answer("POST", path, {"payment_method": "pm_card_visa"}, None)
    return started["id"]


def test_an_order_is_paid_by_the_webhook_alone_and_once(double, client):
    number = place(client)
    pay_in_browser(double, client, number)
    before = states_of(client, number)

    answers = deliver(*double.deliveries(), *double.deliveries())

    assert before == ("pending", "unpaid")
    assert set(answers) == {200}
    assert states_of(client, number) == ("paid", "paid")
    history = client.get(f"/api/orders/{number}/events/").json()["data"]
    rows = history["results"] if isinstance(history, dict) else history
    assert [row["kind"] for row in rows].count("payment_captured") == 1
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


def test_money_that_comes_after_the_cancellation_goes_back(double, client):
    number = place(client)
    pay_in_browser(double, client, number)
    client.post(f"/api/orders/{number}/cancel/", {}, format="json")

    deliver(*double.deliveries())

    assert states_of(client, number) == ("cancelled", "refunded")
    (refund,) = double.account.refunds.values()
    assert refund["amount"] == 2899


def test_with_manual_capture_the_order_waits_for_the_capture(double, client, settings):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    number = place(client)
    payment_id = pay_in_browser(double, client, number)
    deliver(*double.deliveries())
    authorized = states_of(client, number)
    manager = ShopClient()
    manager.force_authenticate(StaffFactory(role="manager"))

    manager.post(f"/api/payments/{payment_id}/capture/")

    assert authorized == ("pending", "authorized")
    assert states_of(client, number) == ("paid", "paid")


def test_what_the_client_needs_to_pay_is_public(double):
    shown = ShopClient().get("/api/payments/config/").json()["data"]

    assert shown == {
        "provider": "stripe",
        "publishable_key": "pk_test_shop",
        "currency": "GBP",
        "capture_method": "automatic",
        "sandbox": False,
        "note": "",
        "test_cards": [],
    }
    assert double.key not in str(shown)
