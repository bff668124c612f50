"""What the provider tells: good, forged, twice, late, in another order, about other money."""

import json
import random
import time
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.tests.factories import UserFactory
from payments import services
from payments.errors import CardDeclined
from payments.events import PaymentCanceled, PaymentCaptured
from payments.models import (
    MoneyMovement,
    Payment,
    PaymentReview,
    ProviderEvent,
    SandboxEvent,
)
from payments.providers import sandbox, signatures
from payments.tests.factories import pay
from shop_backend.kernel import events, outbox, transactions
from shop_backend.kernel.errors import Conflict
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
PATH = "/api/payments/webhooks/sandbox/"


def send(body, signature=None, path=PATH):
    if signature is None:
        signature = signatures.sign(body, secret=sandbox.webhook_secret())
    return ShopClient().generic(
        "POST", path, body, "application/json", headers={"Sandbox-Signature": signature}
    )


def event_body(kind="payment_intent.succeeded", **changes):
    """Return an event that the sandbox has made, with changes in its object."""
    payload = SandboxEvent.objects.filter(kind=kind).latest("pk").payload
    payload["data"]["object"] |= changes
    return json.dumps(payload).encode()


@pytest.fixture
def unpaid(orders):
    """A payment whose customer has just paid at the provider; we have not heard of it yet."""
    customer = UserFactory()
    number = orders.place(customer)
    payment = services.start_payment(reference=number, customer=customer, payment_method=None)
    sandbox.SandboxProvider().confirm(
        provider_reference=payment.provider_reference,
        payment_method="pm_card_visa",
        idempotency_key="browser-1",
    )
    return payment


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_a_good_event_pays(unpaid, told, path):
    answer = send(event_body(), path=path)

    assert (answer.status_code, answer.json()["success"]) == (200, True)
    unpaid.refresh_from_db()
    assert (unpaid.status, unpaid.captured_minor) == ("succeeded", 1999)
    assert told == [PaymentCaptured(unpaid.reference, unpaid.pk, Money(1999, "GBP"))]


def test_a_webhook_has_one_face(unpaid):
    assert send(event_body(), path=PATH.removeprefix("/api")).status_code == 404
    assert ShopClient().get(PATH).status_code == 405


def test_an_event_that_comes_again_changes_nothing(unpaid, told):
    body = event_body()

    answers = [send(body).status_code for _ in range(5)]

    assert answers == [200] * 5
    assert ProviderEvent.objects.count() == 1
    assert len(told) == 1


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1=",
        "t=1,v1=00",
        "t=x,v1=00",
        "t=²,v1=00",
        "t=" + "9" * 400,
        "é",
        f"t={int(time.time())},v1=é",
        signatures.sign(b"{}", secret="whsec_other"),
    ],
    # Numbered, because the texts differ from one process of the suite to the next.
    ids=map(str, range(9)),
)
def test_a_forged_event_is_refused_and_leaves_nothing(unpaid, told, signature):
    answer = send(event_body(), signature)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert not ProviderEvent.objects.exists()
    assert told == []


def test_a_body_changed_after_signing_is_refused(unpaid):
    body = event_body()
    signature = signatures.sign(body, secret=sandbox.webhook_secret())

    assert send(body + b" ", signature).json()["code"] == "invalid_signature"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_signature_is_refused(unpaid, minutes):
    body = event_body()
    then = int(time.time()) + minutes * 60

    answer = send(body, signatures.sign(body, secret=sandbox.webhook_secret(), timestamp=then))

    assert answer.json()["code"] == "invalid_signature"


def test_a_bad_token_does_not_matter_to_a_webhook(unpaid):
    body = event_body()
    signature = signatures.sign(body, secret=sandbox.webhook_secret())
    headers = {"Sandbox-Signature": signature, "Authorization": "Bearer rubbish"}

    answer = ShopClient().generic("POST", PATH, body, "text/plain", headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b'{"id":"e"}',
        b'{"id":"e","type":"payment_intent.x","data":{"object":{}}}',
        b'{"id":"\\u0000","type":"x","data":{"object":{}}}',
        b'{"id":"' + b"e" * 256 + b'","type":"x","data":{"object":{}}}',
        b'{"id":"\\ud800","type":"x","data":{"object":{}}}',
    ],
)
def test_a_signed_body_that_cannot_be_read_is_refused(body):
    assert send(body).json()["code"] == "malformed_webhook"
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"next_action": 5},
        {"version": 2**63},
        {"currency": 5},
        {"amount": -1},
        {"id": "pi_" + "1" * 300},
        {"metadata": {"payment_id": str(10**30), "reference": "R1"}},
    ],
    ids=str,
)
def test_a_signed_event_of_a_strange_shape_is_refused(unpaid, told, change):
    assert send(event_body(**change)).json()["code"] == "malformed_webhook"
    assert not ProviderEvent.objects.exists()
    assert told == []


def test_a_body_that_is_too_large_is_refused():
    assert send(b"x" * 1_100_000).status_code == 413


def test_a_kind_that_says_nothing_to_us_is_kept_and_done_with():
    answer = send(b'{"id":"evt_1","type":"customer.created","data":{"object":{}}}')

    event = ProviderEvent.objects.get()
    assert answer.status_code == 200
    assert event.applied_at is not None


def test_money_of_somebody_else_is_none_of_our_business(unpaid, told):
    unpaid.delete()

    assert send(event_body()).status_code == 200

    assert ProviderEvent.objects.get().failure == "not_ours"
    assert told == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 1, "amount_received": 1}, "amount_mismatch"),
        ({"amount_received": 2000}, "amount_mismatch"),
        ({"currency": "jpy"}, "currency_mismatch"),
        ({"metadata": {"payment_id": "0", "reference": "R000000000001"}}, "owner_mismatch"),
        ({"metadata": {"payment_id": "1", "reference": "R9"}}, "reference_mismatch"),
    ],
)
def test_what_does_not_fit_never_pays_and_a_person_looks(unpaid, told, changes, reason):
    if changes.get("metadata", {}).get("payment_id") == "1":
        changes = {"metadata": changes["metadata"] | {"payment_id": str(unpaid.pk)}}
    assert send(event_body(**changes)).status_code == 200

    unpaid.refresh_from_db()
    assert (unpaid.status, unpaid.captured_minor) == ("requires_payment_method", 0)
    assert unpaid.review_reason == reason
    assert PaymentReview.objects.get().said["provider_reference"] == unpaid.provider_reference
    assert ProviderEvent.objects.get().failure == reason
    assert told == []


def test_money_collected_for_our_payment_under_another_name_is_looked_at(unpaid, told):
    send(event_body(id="pi_of_another_shop"))

    unpaid.refresh_from_db()
    assert (unpaid.captured_minor, unpaid.review_reason) == (0, "foreign_intent")
    assert told == []


def test_an_intent_that_only_names_our_payment_and_took_nothing_is_none_of_it(unpaid, told):
    send(event_body("payment_intent.created", id="pi_of_another_shop"))

    unpaid.refresh_from_db()
    assert unpaid.review_reason == ""
    assert ProviderEvent.objects.get().failure == "not_ours"


def test_the_same_misfit_told_again_is_one_review_until_it_is_closed(unpaid):
    for number in range(3):
        send(event_body(amount=1).replace(b'"evt_', f'"evt_{number}_'.encode()))
    assert PaymentReview.objects.count() == 1

    services.close_review(payment_id=unpaid.pk, actor_id=7, note="Looked.")
    send(event_body(amount=1).replace(b'"evt_', b'"evt_9_'))

    assert PaymentReview.objects.filter(closed_at=None).count() == 1
    assert PaymentReview.objects.filter(closed_by_id=7).count() == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 7}, "refund_mismatch"),
        ({"currency": "jpy"}, "refund_mismatch"),
    ],
)
def test_a_refund_that_does_not_fit_is_not_booked(orders, change, reason):
    payment = pay(orders, UserFactory())
    services.refund(
        payment_id=payment.pk,
        amount=Money(500, "GBP"),
        reason="",
        actor_id=None,
        attempt_key=None,
    )
    before = list(MoneyMovement.objects.values_list("once_key", flat=True))

    send(event_body("refund.created", **change).replace(b'"evt_', b'"evt_9_'))

    payment.refresh_from_db()
    assert (payment.review_reason, payment.refunded_minor) == (reason, 500)
    assert list(MoneyMovement.objects.values_list("once_key", flat=True)) == before


def test_an_event_that_fails_waits_longer_each_time_and_is_given_up_for_a_person(unpaid, told):
    def refuse(event):
        raise Conflict

    events.subscribe({PaymentCaptured: [refuse]})
    send(event_body())
    pauses = []
    for _ in range(ProviderEvent.MAX_ATTEMPTS - 1):
        event = ProviderEvent.objects.get()
        pauses.append(event.next_attempt_at - timezone.now())
        services.apply_pending_events(now=event.next_attempt_at)
    event = ProviderEvent.objects.get()

    assert timedelta(seconds=2) < pauses[0] <= timedelta(seconds=5)
    assert timedelta(minutes=25) < pauses[-1] <= timedelta(hours=1)
    assert event.attempts == ProviderEvent.MAX_ATTEMPTS
    assert services.apply_pending_events(now=timezone.now() + timedelta(days=9)) == 0
    assert list(ProviderEvent.objects.given_up()) == [event]
    events.subscribe({PaymentCaptured: [told.append]})
    assert services.apply_event_again(event_id=event.pk)
    assert len(told) == 1


def test_news_may_be_faster_than_the_answer(unpaid, told):
    Payment.objects.update(provider_reference=None, client_secret="", provider_version=0)

    send(event_body())

    unpaid.refresh_from_db()
    assert unpaid.status == "succeeded"
    assert unpaid.provider_reference is not None


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_order_and_however_often_the_end_is_the_same(orders, told, seed):
    customer = UserFactory()
    number = orders.place(customer)
    payment = services.start_payment(reference=number, customer=customer, payment_method=None)
    for count, card in enumerate(
        ["pm_card_chargeDeclined", "4000002500003155", "4000002500003155"]
    ):
        sandbox.SandboxProvider().confirm(
            provider_reference=payment.provider_reference,
            payment_method=card,
            idempotency_key=f"browser-{count}",
        )
    bodies = [json.dumps(event.payload).encode() for event in SandboxEvent.objects.all()] * 3
    random.Random(seed).shuffle(bodies)

    for body in bodies:
        assert send(body).status_code == 200

    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor) == ("succeeded", 1999)
    assert (payment.failure_code, payment.next_action) == ("", None)
    assert [type(event) for event in told].count(PaymentCaptured) == 1
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


def test_late_news_of_a_decline_does_not_take_back_the_question_to_the_customer(orders, told):
    customer = UserFactory()
    number = orders.place(customer)
    start = partial(services.start_payment, reference=number, customer=customer)
    with pytest.raises(CardDeclined):
        start(payment_method="pm_card_chargeDeclined")
    payment = start(payment_method="pm_card_authenticationRequired")

    send(event_body("payment_intent.payment_failed"))

    payment.refresh_from_db()
    assert payment.status == "requires_action"
    assert payment.next_action is not None
    assert len(told) == 1


def test_what_could_not_be_applied_stays_in_the_inbox_until_it_can(unpaid, told):
    def refuse(event):
        raise Conflict

    events.subscribe({PaymentCaptured: [refuse]})
    assert send(event_body()).status_code == 200
    unpaid.refresh_from_db()
    event = ProviderEvent.objects.get()
    assert unpaid.captured_minor == 0
    assert (event.applied_at, event.attempts) == (None, 1)
    assert event.failure.startswith("Conflict")

    events.subscribe({PaymentCaptured: [told.append]})
    assert services.apply_pending_events() == 0  # it waits a while
    assert services.apply_pending_events(now=event.next_attempt_at) == 1
    unpaid.refresh_from_db()
    assert unpaid.captured_minor == 1999
    assert len(told) == 1
    assert services.apply_pending_events(now=event.next_attempt_at) == 0


def test_one_event_that_cannot_be_applied_does_not_keep_the_rest_waiting(unpaid, told):
    broken = ProviderEvent.objects.create(
        provider="sandbox", event_id="evt_0", kind="payment_intent.succeeded", payload={}
    )
    body = event_body()
    signature = signatures.sign(body, secret=sandbox.webhook_secret())
    news = sandbox.SandboxProvider().parse_webhook(body=body, signature=signature)
    ProviderEvent.objects.create(
        provider="sandbox", event_id=news.event_id, kind=news.kind, payload=news.to_payload()
    )

    assert services.apply_pending_events() == 1

    unpaid.refresh_from_db()
    broken.refresh_from_db()
    assert unpaid.captured_minor == 1999
    assert (broken.applied_at, broken.attempts) == (None, 1)
    assert broken.failure.startswith("KeyError")


def test_a_refund_reported_before_its_capture_waits_for_it(unpaid, told, line):
    line.refund(
        provider_reference=unpaid.provider_reference,
        amount=Money(500, "GBP"),
        refund_id=0,
        idempotency_key="dashboard-1",
    )

    send(event_body("refund.created"))
    assert told == []
    send(event_body())
    later = timezone.now() + timedelta(minutes=1)
    assert services.apply_pending_events(now=later) == 1

    unpaid.refresh_from_db()
    assert (unpaid.captured_minor, unpaid.refunded_minor) == (1999, 500)


def test_the_inbox_keeps_no_secret_of_the_client(unpaid):
    send(event_body())

    assert "_secret_" not in json.dumps(ProviderEvent.objects.get().payload)


def test_missing_news_is_healed_by_asking(unpaid, told):
    assert services.sync_open_payments() == 1

    unpaid.refresh_from_db()
    assert unpaid.captured_minor == 1999
    assert len(told) == 1
    assert services.sync_open_payments() == 0


def test_money_that_came_in_before_our_cancellation_is_told(unpaid, told):
    transactions.run(lambda: services.cancel_open_payments(reference=unpaid.reference))
    assert told == [PaymentCanceled(unpaid.reference, unpaid.pk)]

    outbox.deliver_due()

    unpaid.refresh_from_db()
    assert (unpaid.status, unpaid.captured_minor) == ("succeeded", 1999)
    assert told[1:] == [PaymentCaptured(unpaid.reference, unpaid.pk, Money(1999, "GBP"))]


def test_a_webhook_of_a_provider_that_is_not_there_is_not_found():
    answer = send(b"{}", path="/api/payments/webhooks/paypal/")

    assert answer.status_code == 404


def test_a_paid_payment_does_not_forget_by_late_news(orders, told):
    payment = pay(orders, UserFactory())
    told.clear()

    for event in SandboxEvent.objects.order_by("-pk"):
        send(json.dumps(event.payload).encode())

    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor) == ("succeeded", 1999)
    assert told == []
