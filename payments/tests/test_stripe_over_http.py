"""Paying with Stripe as the shop does it: the official SDK, HTTP, and a strict double."""

import random
import time

import pytest
import stripe

from accounts.tests.factories import StaffFactory, UserFactory
from payments import providers, services
from payments.errors import PaymentUnderReview, ProviderUnavailable
from payments.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
)
from payments.models import Payment, ProviderEvent, Refund
from payments.services.canceling import cancel_intent
from payments.tests.doubles.shop import EagerClient, deliver, use_client, use_stripe_at
from payments.tests.doubles.stripe_server import StripeDouble
from shop_backend.kernel.money import Money
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
def customer():
    return UserFactory()


@pytest.fixture
def order(orders, customer):
    return orders.place(customer)


def start(user, order, method=None, **headers):
    body = {"order_id": order}
    if method is not None:
        body["payment_method"] = method
    client = ShopClient()
    client.force_authenticate(user)
    return client.post("/api/payments/", body, format="json", headers=headers)


def as_manager(path, body=None, **headers):
    client = ShopClient()
    client.force_authenticate(StaffFactory(role="manager"))
    return client.post(f"/api/payments/{path}", body, format="json", headers=headers)


def only_payment():
    return Payment.objects.get()


# --- a payment's life ---


def test_a_card_pays_at_once(double, customer, order, told):
    answer = start(customer, order, "pm_card_visa")

    paid = answer.json()["data"]
    assert (answer.status_code, paid["status"], paid["captured"]) == (201, "succeeded", "19.99")
    assert told == [PaymentCaptured(order, paid["id"], Money(1999, "GBP"))]
    assert double.account.movements == [("charge", only_payment().provider_reference, 1999)]
    (sent,) = double.account.intents.values()
    assert sent["metadata"] == {"payment_id": str(paid["id"]), "reference": order}


def test_a_browser_pays_with_the_client_secret_and_the_webhook_tells(double, customer, order, told):
    shown = start(customer, order).json()["data"]
    intent = only_payment().provider_reference
    double.account.answer(
        "POST",
        f"/v1/payment_intents/{intent}/confirm",
        {"payment_method": "pm_card_visa"},
        None,
    )

    answers = deliver(*double.deliveries())

    assert shown["client_secret"] == double.account.intents[intent]["client_secret"]
    assert shown["status"] == "requires_payment_method"
    assert set(answers) == {200}
    assert only_payment().status == "succeeded"
    assert told == [PaymentCaptured(order, shown["id"], Money(1999, "GBP"))]


def test_the_idempotency_keys_are_this_payments_alone(double, customer, order):
    start(customer, order, "pm_card_visa")

    payment = only_payment()
    assert [asked.key for asked in double.asked] == [
        payment.key_for(f"payment-{payment.pk}"),
        payment.key_for(f"payment-{payment.pk}-confirm-1"),
    ]


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error"),
    ],
)
def test_a_declined_card_says_why_and_another_pays(double, customer, order, told, card, code):
    declined = start(customer, order, card)
    paid = start(customer, order, "pm_card_visa")

    assert (declined.status_code, declined.json()["code"]) == (409, "card_declined")
    assert declined.json()["params"]["decline_code"] == code
    assert paid.json()["data"]["status"] == "succeeded"
    payment = only_payment()
    assert [type(news) for news in told] == [PaymentFailed, PaymentCaptured]
    assert double.account.movements == [("charge", payment.provider_reference, 1999)]
    assert payment.failure_code == ""


def test_three_d_secure_asks_the_customer_and_then_pays(double, customer, order, told):
    asked = start(customer, order, "pm_card_authenticationRequired").json()["data"]
    waiting = list(told)
    double.account.authenticate(only_payment().provider_reference, agrees=True)
    deliver(*double.deliveries("payment_intent.succeeded"))

    assert asked["status"] == "requires_action"
    assert asked["next_action"]["type"] == "use_stripe_sdk"
    assert waiting == []
    assert only_payment().captured_minor == 1999


def test_three_d_secure_that_fails_leaves_the_payment_open(double, customer, order, told):
    start(customer, order, "pm_card_authenticationRequired")
    double.account.authenticate(only_payment().provider_reference, agrees=False)
    deliver(*double.deliveries("payment_intent.payment_failed"))

    payment = only_payment()
    assert (payment.status, payment.is_open) == ("requires_payment_method", True)
    assert payment.failure_code == "payment_intent_authentication_failure"
    assert [type(news) for news in told] == [PaymentFailed]


def test_an_unknown_method_is_refused_and_nothing_is_charged(double, customer, order):
    answer = start(customer, order, "pm_card_of_nobody")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_payment_method")
    assert double.account.movements == []


def test_an_amount_below_what_stripe_collects_is_refused(double, orders, customer):
    answer = start(customer, orders.place(customer, 29), "pm_card_visa")

    assert (answer.status_code, answer.json()["code"]) == (409, "amount_not_payable")
    assert double.account.intents == {}


def test_an_amount_that_was_too_small_blocks_no_later_payment(double, orders, customer):
    order = orders.place(customer, 29)
    start(customer, order, "pm_card_visa")
    assert only_payment().status == "canceled"
    assert cancel_intent(payment_id=only_payment().pk).status == "canceled"
    orders.totals[order] = (Money(2500, "GBP"), customer.pk)

    answer = start(customer, order, "pm_card_visa")

    assert (answer.status_code, answer.json()["data"]["status"]) == (201, "succeeded")
    assert len(double.account.intents) == 1


def test_a_total_that_has_changed_kills_the_old_intent_first(double, orders, customer, order):
    start(customer, order)
    orders.totals[order] = (Money(2500, "GBP"), customer.pk)

    answer = start(customer, order, "pm_card_visa")

    assert answer.json()["data"]["amount"] == "25.00"
    statuses = [intent["status"] for intent in double.account.intents.values()]
    assert statuses == ["canceled", "succeeded"]


# --- manual capture ---


@pytest.fixture
def authorized(double, customer, order, settings):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    start(customer, order, "pm_card_visa")
    return only_payment()


def test_a_manual_payment_is_authorised_first_and_captured_by_staff(double, authorized, told):
    before = (authorized.status, authorized.captured_minor)
    answer = as_manager(f"{authorized.pk}/capture/")

    assert before == ("requires_capture", 0)
    assert answer.json()["data"]["captured"] == "19.99"
    assert [type(news) for news in told] == [PaymentAuthorized, PaymentCaptured]
    assert double.account.intents[authorized.provider_reference]["amount_received"] == 1999


def test_an_authorisation_is_voided(double, authorized):
    answer = as_manager(f"{authorized.pk}/void/")

    assert answer.json()["data"]["status"] == "canceled"
    assert double.account.intents[authorized.provider_reference]["status"] == "canceled"
    assert as_manager(f"{authorized.pk}/capture/").json()["code"] == "payment_not_capturable"


def test_a_lost_answer_to_a_capture_captures_once(double, authorized, told):
    double.faults.extend(["lose"] * 3)

    lost = as_manager(f"{authorized.pk}/capture/")
    again = as_manager(f"{authorized.pk}/capture/")

    assert (lost.status_code, again.status_code) == (503, 200)
    assert [type(news) for news in told] == [PaymentAuthorized, PaymentCaptured]
    assert len(set(double.keys("/capture"))) == 1


# --- a bad line ---


@pytest.mark.parametrize("fault", ["refuse", "lose", "busy", "broken"])
def test_one_bad_moment_is_not_even_noticed(double, customer, order, fault):
    start(customer, order)
    double.faults.append(fault)

    answer = start(customer, order, "pm_card_visa")

    assert answer.json()["data"]["status"] == "succeeded"
    assert len(double.account.movements) == 1
    keys = double.keys("/confirm")
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize("fault", ["refuse", "lose", "busy", "broken", "throttle"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "mine"}])
def test_after_a_break_in_the_line_the_same_request_pays_once(
    double, customer, order, told, fault, headers
):
    start(customer, order)
    double.faults.extend([fault] * 3)

    broken = start(customer, order, "pm_card_visa", **headers)
    double.faults.clear()
    paid = start(customer, order, "pm_card_visa", **headers)

    assert (broken.status_code, broken.json()["code"]) == (503, "payment_provider_unavailable")
    assert paid.json()["data"]["status"] == "succeeded"
    assert len(double.account.movements) == 1
    assert [type(news) for news in told] == [PaymentCaptured]


def test_a_connection_dropped_after_the_charge_is_healed_by_the_webhook(
    double, customer, order, told
):
    start(customer, order)
    double.faults.extend(["lose"] * 3)
    start(customer, order, "pm_card_visa")

    deliver(*double.deliveries())

    assert only_payment().captured_minor == 1999
    assert start(customer, order).json()["code"] == "nothing_due"
    assert len(told) == 1


def test_a_connection_dropped_after_the_charge_is_healed_by_the_sweep(double, customer, order):
    start(customer, order)
    double.faults.extend(["lose"] * 3)
    start(customer, order, "pm_card_visa")

    services.sync_open_payments()

    assert only_payment().captured_minor == 1999


def test_a_lost_answer_to_the_announcement_makes_one_intent(double, customer, order):
    double.faults.extend(["lose"] * 3)

    lost = start(customer, order, "pm_card_visa")
    paid = start(customer, order, "pm_card_visa")

    assert (lost.status_code, paid.status_code) == (503, 201)
    assert len(double.account.intents) == 1


def test_a_request_that_hangs_is_given_up_and_charged_once(double, customer, order, monkeypatch):
    start(customer, order)
    use_client(EagerClient(timeout_seconds=0.1), monkeypatch=monkeypatch)
    double.faults.extend(["hang"] * 3)

    given_up = start(customer, order, "pm_card_visa")
    use_client(EagerClient(), monkeypatch=monkeypatch)
    paid = start(customer, order, "pm_card_visa")

    assert given_up.json()["code"] == "payment_provider_unavailable"
    assert paid.json()["data"]["status"] == "succeeded"
    assert len(double.account.movements) == 1


def test_a_wrong_key_is_told_as_unavailable_and_charges_nothing(
    double, customer, order, settings, monkeypatch
):
    settings.STRIPE_SECRET_KEY = "sk_test_of_another"
    use_client(EagerClient(), monkeypatch=monkeypatch)

    answer = start(customer, order, "pm_card_visa")

    assert answer.json()["code"] == "payment_provider_unavailable"
    assert double.account.intents == {}


def test_an_intent_of_another_account_is_held_for_review_and_stops_no_sweep(
    double, orders, customer, order
):
    start(customer, order)
    double.account.intents.clear()
    other = orders.place(customer)
    start(customer, other)
    intent = Payment.objects.get(reference=other).provider_reference
    double.account.intents[intent].update(status="succeeded", amount_received=1999)

    services.sync_open_payments()

    assert Payment.objects.get(reference=order).review_reason == "unknown_intent"
    assert Payment.objects.get(reference=other).captured_minor == 1999
    assert start(customer, order).json()["code"] == "payment_under_review"


# --- an answer that does not fit ---


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 1}, "amount_mismatch"),
        ({"amount_received": 2000}, "amount_mismatch"),
        ({"currency": "eur"}, "currency_mismatch"),
    ],
)
@pytest.mark.parametrize("way", ["answer", "webhook"])
def test_other_money_than_asked_for_pays_nothing(
    double, customer, order, told, change, reason, way
):
    start(customer, order)
    intent = double.account.intents[only_payment().provider_reference]
    intent.update({"status": "succeeded", "amount_received": 1999} | change)

    if way == "answer":
        assert start(customer, order).json()["code"] == "payment_under_review"
    else:
        deliver(double.sign(double.account.tell("payment_intent.succeeded", intent)))

    payment = only_payment()
    assert (payment.review_reason, payment.captured_minor) == (reason, 0)
    assert told == []


# --- refunds ---


@pytest.fixture
def paid(double, customer, order):
    start(customer, order, "pm_card_visa")
    return only_payment()


def test_partial_refunds_repeat_until_nothing_is_left(double, paid, told):
    answers = [
        as_manager(f"{paid.pk}/refunds/", body)
        for body in ({"amount": "5.00"}, {"amount": "5.00"}, {}, {})
    ]

    made = [answer.json()["data"] for answer in answers[:3]]
    assert [refund["amount"] for refund in made] == ["5.00", "5.00", "9.99"]
    assert {refund["status"] for refund in made} == {"succeeded"}
    assert answers[3].json()["code"] == "nothing_to_refund"
    assert [news.amount.minor for news in told[1:]] == [500, 500, 999]
    sent = [amount for kind, _, amount in double.account.movements if kind == "refund"]
    assert sent == [500, 500, 999]


def test_more_than_was_captured_never_reaches_stripe(double, paid):
    as_manager(f"{paid.pk}/refunds/", {"amount": "15.00"})
    answer = as_manager(f"{paid.pk}/refunds/", {"amount": "5.00"})

    assert answer.json()["code"] == "refund_exceeds_captured"
    assert len(double.keys("/refunds")) == 1


def test_what_stripe_will_not_refund_fails_here_and_nothing_is_counted(double, paid, told):
    # Somebody refunded in Stripe's dashboard, and its event is not here yet.
    request = {"payment_intent": paid.provider_reference, "amount": "1500"}
    double.account.answer("POST", "/v1/refunds", request, None)

    refused = as_manager(f"{paid.pk}/refunds/", {"amount": "10.00"}).json()["data"]
    deliver(*double.deliveries("refund"))

    assert (refused["status"], refused["failure_code"]) == ("failed", "refused")
    paid.refresh_from_db()
    assert paid.refunded_minor == 1500
    assert [news for news in told if isinstance(news, PaymentRefunded)] == [
        PaymentRefunded(paid.reference, paid.pk, Money(1500, "GBP"))
    ]
    assert sum(amount for kind, _, amount in double.account.movements if kind == "refund") == 1500


def test_a_refund_whose_answer_is_lost_is_sent_once(double, paid, told):
    double.faults.extend(["lose"] * 3)

    pending = as_manager(f"{paid.pk}/refunds/", {"amount": "5.00"}).json()["data"]
    services.send_refund({"refund_id": pending["id"]})

    assert Refund.objects.get().status == "succeeded"
    refunds = [movement for movement in double.account.movements if movement[0] == "refund"]
    assert refunds == [("refund", paid.provider_reference, 500)]
    assert len(set(double.keys("/refunds"))) == 1


def test_a_repeated_request_with_its_key_refunds_once(double, paid):
    manager = StaffFactory(role="manager")
    client = ShopClient()
    client.force_authenticate(manager)
    repeated = [
        client.post(
            f"/api/payments/{paid.pk}/refunds/",
            {"amount": "2.00"},
            format="json",
            headers={"Idempotency-Key": "twice"},
        )
        for _ in range(2)
    ]

    assert repeated[0].status_code == 201
    assert repeated[0].json() == repeated[1].json()
    assert [refund["amount"] for refund in double.account.refunds.values()] == [200]


def test_a_refund_that_stays_pending_is_settled_by_its_event(double, customer, order, told):
    start(customer, order, "pm_card_pendingRefund")
    payment = only_payment()
    pending = as_manager(f"{payment.pk}/refunds/").json()["data"]
    (refund,) = double.account.refunds.values()
    double.account.settle_refund(refund["id"], status="succeeded")
    deliver(*double.deliveries("refund.updated"))

    assert pending["status"] == "pending"
    assert Refund.objects.get().status == "succeeded"
    assert told[-1] == PaymentRefunded(order, payment.pk, Money(1999, "GBP"))


def test_a_refund_that_the_bank_returns_can_be_made_again(double, customer, order):
    start(customer, order, "pm_card_pendingRefund")
    payment = only_payment()
    as_manager(f"{payment.pk}/refunds/")
    (refund,) = double.account.refunds.values()
    double.account.settle_refund(refund["id"], status="failed")
    deliver(*double.deliveries("refund.updated"))

    payment.refresh_from_db()
    assert Refund.objects.get().failure_code == "expired_or_canceled_card"
    assert payment.refunded_minor == 0


# --- webhooks ---


def live(double, customer, order):
    """Decline, pay and refund in part; return all that Stripe has to tell of it."""
    start(customer, order, "pm_card_chargeDeclined")
    start(customer, order, "pm_card_visa")
    as_manager(f"{only_payment().pk}/refunds/", {"amount": "5.00"})
    return double.deliveries()


@pytest.mark.parametrize("seed", range(5))
def test_events_twice_and_in_any_order_end_in_the_same_books(double, customer, order, told, seed):
    deliveries = live(double, customer, order) * 2
    random.Random(seed).shuffle(deliveries)
    before = list(told)

    answers = deliver(*deliveries)

    assert set(answers) == {200}
    payment = only_payment()
    assert (payment.status, payment.captured_minor, payment.refunded_minor) == (
        "succeeded",
        1999,
        500,
    )
    assert told == before
    assert ProviderEvent.objects.count() == len(deliveries) / 2
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


@pytest.mark.parametrize("seed", range(5))
def test_a_shop_that_heard_nothing_else_learns_it_from_shuffled_events(
    double, customer, order, told, seed
):
    start(customer, order)
    payment = only_payment()
    intent = payment.provider_reference
    for method in ("pm_card_chargeDeclined", "pm_card_visa"):
        double.account.answer(
            "POST", f"/v1/payment_intents/{intent}/confirm", {"payment_method": method}, None
        )
    double.account.answer("POST", "/v1/refunds", {"payment_intent": intent, "amount": "500"}, None)
    deliveries = double.deliveries() * 2
    random.Random(seed).shuffle(deliveries)

    deliver(*deliveries)
    services.apply_pending_events()

    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor, payment.refunded_minor) == (
        "succeeded",
        1999,
        500,
    )
    assert sum(isinstance(news, PaymentCaptured) for news in told) == 1
    assert sum(isinstance(news, PaymentRefunded) for news in told) == 1


def test_an_event_that_comes_days_late_is_signed_anew_and_applied(double, customer, order):
    start(customer, order)
    intent = double.account.intents[only_payment().provider_reference]
    intent.update(status="succeeded", amount_received=1999)
    event = double.account.tell("payment_intent.succeeded", intent)
    event["created"] += 3 * 24 * 3600  # the shop's last answer is older than the event

    assert deliver(double.sign(event)) == [200]
    assert only_payment().captured_minor == 1999


@pytest.mark.parametrize("age_seconds", [301, 100_000, -3600])
def test_a_signature_out_of_its_time_is_refused(double, customer, order, age_seconds):
    start(customer, order)
    intent = double.account.intents[only_payment().provider_reference]
    event = double.account.tell("payment_intent.succeeded", intent)

    expected = [200] if age_seconds < 0 else [400]
    assert deliver(double.sign(event, age_seconds=age_seconds)) == expected


def test_an_event_changed_on_its_way_is_refused(double, customer, order):
    start(customer, order)
    ((body, signature), *_) = double.deliveries()

    assert deliver((body.replace(b"1999", b"1"), signature)) == [400]
    assert not ProviderEvent.objects.exists()


def test_the_doubles_signature_is_one_that_stripes_own_verifier_accepts(double, customer, order):
    start(customer, order)
    ((body, signature), *_) = double.deliveries()

    event = stripe.Webhook.construct_event(body, signature, double.secret)

    assert event.type == "payment_intent.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")


# --- the double itself ---


def test_one_key_with_other_parameters_is_refused_by_stripe(double):
    provider = providers.get_provider("stripe")

    def announce(minor):
        return provider.create_intent(
            amount=Money(minor, "GBP"),
            payment_id=1,
            reference="R1",
            capture_method="automatic",
            idempotency_key="one",
        )

    first = announce(1999)
    assert announce(1999).provider_reference == first.provider_reference
    with pytest.raises(PaymentUnderReview):
        announce(2000)
    assert len(double.account.intents) == 1


def test_a_provider_that_is_down_is_told_from_one_that_refuses(double):
    double.faults.extend(["broken"] * 3)

    with pytest.raises(ProviderUnavailable):
        providers.get_provider("stripe").retrieve(provider_reference="pi_1")


# --- what the webhooks did not tell ---


def test_a_refund_of_stripes_site_whose_event_is_lost_is_found_by_asking(double, customer, order):
    start(customer, order, "pm_card_visa")
    payment = only_payment()
    request = {"payment_intent": payment.provider_reference, "amount": "500"}
    double.account.answer("POST", "/v1/refunds", request, None)

    outcome = services.reconcile_payment(payment_id=payment.pk)

    assert outcome.has_changed
    assert (only_payment().refunded_minor, only_payment().refunds.get().status) == (
        500,
        "succeeded",
    )
    assert not services.reconcile_payment(payment_id=payment.pk).has_changed


def test_a_pending_refund_is_asked_about_until_the_bank_has_spoken(double, customer, order):
    start(customer, order, "pm_card_pendingRefund")
    refund = services.refund(
        payment_id=only_payment().pk, amount=None, reason="", actor_id=None, attempt_key=None
    )
    services.sync_pending_refunds()
    refund.refresh_from_db()
    assert refund.status == "pending"

    double.account.settle_refund(str(refund.provider_reference), status="succeeded")
    assert services.sync_pending_refunds() == 1

    refund.refresh_from_db()
    assert refund.status == "succeeded"
    assert services.sync_pending_refunds() == 0


def test_two_states_of_one_second_do_not_lose_the_later_one(double, customer, order, told):
    """Stripe's events are dated in whole seconds: the one that comes last may be the older."""
    start(customer, order)
    payment = only_payment()
    client = f"/v1/payment_intents/{payment.provider_reference}/confirm"
    for card in ("pm_card_authenticationRequired", "pm_card_chargeDeclined"):
        double.account.answer("POST", client, {"payment_method": card}, None)
    Payment.objects.update(provider_version=1)
    second = int(time.time())
    for event in double.account.events:
        event["created"] = second
    created, asked, declined = double.deliveries()

    assert deliver(declined, asked, created) == [200] * 3

    assert only_payment().status == "requires_payment_method"
    assert only_payment().failure_code == "generic_decline"
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


def test_a_doubt_that_stripe_cannot_settle_now_waits_in_the_inbox(double, customer, order):
    start(customer, order)
    payment = only_payment()
    client = f"/v1/payment_intents/{payment.provider_reference}/confirm"
    double.account.answer("POST", client, {"payment_method": "pm_card_chargeDeclined"}, None)
    declined = double.deliveries()[-1]
    event = double.account.events[-1]
    Payment.objects.update(provider_version=event["created"])
    double.faults.extend(["lose"] * 3)

    assert deliver(declined) == [200]
    waiting = ProviderEvent.objects.get(applied_at=None)
    assert waiting.failure.startswith("ProviderUnavailable")

    services.apply_pending_events(now=waiting.next_attempt_at)
    assert only_payment().failure_code == "generic_decline"
