"""Paying an order over HTTP, on both faces."""

import json

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from payments.events import PaymentCaptured, PaymentFailed
from payments.models import Payment, ProviderEvent, SandboxIntent
from payments.providers.sandbox_cards import CARDS
from shop_backend.kernel import outbox
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture
def customer():
    return UserFactory()


@pytest.fixture
def client(customer):
    client = ShopClient()
    client.force_authenticate(customer)
    return client


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("path", ["/payments/", "/payments", "/payment/", "/payment"])
def test_a_card_pays_an_order_at_every_name_of_the_path(client, customer, orders, prefix, path):
    number = orders.place(customer)

    answer = client.post(f"{prefix}{path}", {"order_id": number, "payment_method": "pm_card_visa"})

    assert answer.status_code == 201
    payment = answer.json()["data"] if prefix else answer.json()
    assert payment["order"] == number
    assert payment["status"] == "succeeded"
    assert (payment["amount"], payment["captured"], payment["refunded"]) == (
        "19.99",
        "19.99",
        "0.00",
    )
    assert (payment["currency"], payment["provider"]) == ("GBP", "sandbox")
    assert payment["refunds"] == []


def test_paying_tells_the_floor_above_once_though_the_webhooks_come_as_well(
    client, customer, orders, told
):
    number = orders.place(customer)

    client.post("/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"})

    payment = Payment.objects.get()
    assert told == [PaymentCaptured(number, payment.pk, Money(1999, "GBP"))]
    kinds = ProviderEvent.objects.exclude(applied_at=None).values_list("kind", flat=True)
    assert set(kinds) == {"payment_intent.created", "payment_intent.succeeded"}


def test_an_order_is_named_by_its_integer_id_too(client, customer, orders):
    orders.place(customer)
    number = orders.place(customer)

    answer = client.post("/api/payments/", {"order_id": 2})

    assert answer.json()["data"]["order"] == number


def test_without_a_payment_method_the_client_gets_its_secret_and_nothing_is_collected(
    client, customer, orders, told
):
    number = orders.place(customer)

    answer = client.post("/api/payments/", {"order_id": number})

    payment = answer.json()["data"]
    assert payment["status"] == "requires_payment_method"
    assert payment["client_secret"] == SandboxIntent.objects.get().client_secret
    assert payment["captured"] == "0.00"
    assert told == []


def test_starting_again_goes_on_with_the_open_payment(client, customer, orders):
    number = orders.place(customer)
    first = client.post("/api/payments/", {"order_id": number}).json()["data"]

    second = client.post("/api/payments/", {"order_id": number}).json()["data"]

    assert second["id"] == first["id"]
    assert SandboxIntent.objects.count() == 1


def test_when_the_amount_due_has_changed_the_old_payment_dies_before_a_new_one_is_made(
    client, customer, orders
):
    number = orders.place(customer, 1999)
    client.post("/api/payments/", {"order_id": number})
    orders.place(customer, 2500, number)

    answer = client.post("/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"})

    assert answer.json()["data"]["captured"] == "25.00"
    old, new = Payment.objects.order_by("pk")
    assert (old.status, new.status) == ("canceled", "succeeded")
    assert SandboxIntent.objects.get(amount_minor=1999).status == "canceled"


def test_a_paid_order_has_nothing_due(client, customer, orders):
    number = orders.place(customer)
    client.post("/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"})

    answer = client.post("/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"})

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_due")
    assert Payment.objects.count() == 1


DECLINES = [card for card in CARDS if card.decline_code and not card.asks_customer]


@pytest.mark.parametrize("card", DECLINES, ids=lambda card: card.payment_method)
def test_a_declined_card_collects_nothing_and_another_card_still_pays(
    client, customer, orders, told, card
):
    number = orders.place(customer)

    declined = client.post("/api/payments/", {"order_id": number, "payment_method": card.number})

    payment = Payment.objects.get()
    assert declined.status_code == 409
    assert declined.json()["code"] == "card_declined"
    assert declined.json()["params"] == {
        "decline_code": card.decline_code,
        "payment_id": payment.pk,
    }
    assert (payment.status, payment.captured_minor) == ("requires_payment_method", 0)
    assert payment.failure_code == card.decline_code
    assert told == [PaymentFailed(number, payment.pk, card.decline_code)]

    paid = client.post("/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"})
    assert (paid.json()["data"]["id"], paid.json()["data"]["status"]) == (payment.pk, "succeeded")
    assert paid.json()["data"]["failure_code"] == ""


ASKING = [card for card in CARDS if card.asks_customer and not card.decline_code]


@pytest.mark.parametrize("card", ASKING, ids=lambda card: card.payment_method)
def test_a_card_that_asks_its_customer_pays_when_the_request_is_sent_once_more(
    client, customer, orders, card
):
    number = orders.place(customer)
    body = {"order_id": number, "payment_method": card.payment_method}

    asked = client.post("/api/payments/", body).json()["data"]
    assert (asked["status"], asked["captured"]) == ("requires_action", "0.00")
    assert asked["next_action"]["type"] == "confirm_again"

    agreed = client.post("/api/payments/", body).json()["data"]
    assert (agreed["status"], agreed["captured"]) == ("succeeded", "19.99")
    assert agreed["next_action"] is None


def test_a_card_may_decline_after_its_customer_agreed(client, customer, orders):
    number = orders.place(customer)
    body = {"order_id": number, "payment_method": "4000 0082 6000 3178"}
    client.post("/api/payments/", body)

    answer = client.post("/api/payments/", body)

    assert answer.json()["params"]["decline_code"] == "insufficient_funds"
    assert Payment.objects.get().captured_minor == 0


@pytest.mark.parametrize("method", ["pm_unknown", "4111111111111112", "4242"])
def test_an_unknown_payment_method_is_refused_and_the_payment_stays_open(
    client, customer, orders, method
):
    number = orders.place(customer)

    answer = client.post("/api/payments/", {"order_id": number, "payment_method": method})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_payment_method")
    assert answer.json()["errors"]["payment_method"][0]["code"] == "invalid_payment_method"
    assert Payment.objects.get().status == "requires_payment_method"


def test_no_card_number_is_kept_anywhere(client, customer, orders):
    number = orders.place(customer)

    client.post(
        "/api/payments/",
        {"order_id": number, "payment_method": "4242424242424242"},
        headers={"Idempotency-Key": "once"},
    )

    rows = [
        list(model.objects.values())
        for model in (Payment, ProviderEvent, SandboxIntent, outbox.OutboxMessage)
    ]
    assert "4242424242424242" not in json.dumps(rows, default=str)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order_id": None},
        {"order_id": True},
        {"order_id": ["R1"]},
        {"order_id": "R" * 33},
        {"order_id": "R\x00"},
        {"order_id": "R1", "payment_method": "x" * 101},
        {"order_id": "R1", "payment_method": "pm_card_visa\x00"},
        {"order_id": "R1", "payment_method": {"a": 1}},
        [],
        "text",
    ],
)
def test_a_body_that_makes_no_sense_is_refused(client, body):
    answer = client.post("/api/payments/", body)

    assert answer.status_code == 400
    assert not Payment.objects.exists()


@pytest.mark.parametrize("order_id", ["R404", "99", "9" * 30, "-1", "٣"])
def test_an_order_that_is_not_there_is_not_found(client, order_id):
    answer = client.post("/api/payments/", {"order_id": order_id})

    assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")


@pytest.mark.parametrize("stranger", [UserFactory, StaffFactory])
def test_nobody_pays_anothers_order(orders, customer, stranger):
    number = orders.place(customer)
    client = ShopClient()
    client.force_authenticate(stranger())

    answer = client.post("/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"})

    assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert not Payment.objects.exists()


def test_what_the_client_says_about_the_money_is_ignored(client, customer, orders):
    number = orders.place(customer)
    body = {"order_id": number, "amount": "0.01", "status": "succeeded", "captured": "19.99"}

    payment = client.post("/api/payments/", body).json()["data"]

    assert (payment["amount"], payment["captured"]) == ("19.99", "0.00")


def test_the_same_key_pays_once_and_answers_the_same(client, customer, orders, told):
    number = orders.place(customer)
    body = {"order_id": number, "payment_method": "pm_card_visa"}
    key = {"Idempotency-Key": "pay-1"}

    first = client.post("/api/payments/", body, headers=key)
    again = client.post("/payments/", body, headers=key)

    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()["data"]
    assert len(told) == 1


def test_a_declined_request_that_is_repeated_with_its_key_is_another_attempt(
    client, customer, orders, told
):
    number = orders.place(customer)
    body = {"order_id": number, "payment_method": "pm_card_chargeDeclined"}
    key = {"Idempotency-Key": "pay-1"}

    answers = [client.post("/api/payments/", body, headers=key) for _ in range(2)]

    assert [answer.json()["code"] for answer in answers] == ["card_declined"] * 2
    assert Payment.objects.get().confirmations == 2
    assert len(told) == 2


def test_the_same_key_with_another_card_after_a_decline_is_another_attempt(
    client, customer, orders
):
    number = orders.place(customer)
    key = {"Idempotency-Key": "pay-1"}
    declined = {"order_id": number, "payment_method": "pm_card_chargeDeclined"}
    client.post("/api/payments/", declined, headers=key)

    answer = client.post(
        "/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"}, headers=key
    )

    assert answer.json()["data"]["status"] == "succeeded"


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("path", ["/payments/config/", "/payments/config"])
def test_anyone_may_know_the_provider_and_that_it_is_the_sandbox(prefix, path):
    answer = ShopClient().get(f"{prefix}{path}")

    config = answer.json()["data"] if prefix else answer.json()
    assert answer.status_code == 200
    assert (config["provider"], config["publishable_key"]) == ("sandbox", "")
    assert config["sandbox"] is True
    assert "no real money" in config["note"]
    assert config["test_cards"][0] == {
        "payment_method": "pm_card_visa",
        "number": "4242424242424242",
        "outcome": "Succeeds.",
    }


def test_with_stripe_the_config_holds_the_publishable_key_and_no_test_cards(settings):
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_PUBLISHABLE_KEY = "pk_live_1"

    config = ShopClient().get("/payments/config/").json()

    assert config["provider"] == "stripe"
    assert config["publishable_key"] == "pk_live_1"
    assert config["sandbox"] is False
    assert (config["note"], config["test_cards"]) == ("", [])


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("pm_card_visa", "Payment succeeded."),
        ("pm_card_authenticationRequired", "The payment needs a further step."),
        (None, "Payment started."),
    ],
)
def test_the_answer_says_how_far_the_payment_got(client, customer, orders, method, sentence):
    body = {"order_id": orders.place(customer), **({"payment_method": method} if method else {})}

    answers = [
        client.post("/api/payments/", body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]

    assert [answer.json()["message"] for answer in answers] == [sentence] * 2
