"""The line to the provider fails, or we do, at every step: the same payment goes on."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from payments import services
from payments.errors import (
    NotCapturable,
    NotVoidable,
    PaymentNotOpen,
    PaymentUnderReview,
    ProviderUnavailable,
)
from payments.events import PaymentCanceled, PaymentCaptured
from payments.models import Payment, SandboxIntent, SandboxRequest
from payments.providers.sandbox import SandboxProvider
from payments.tests.factories import NothingDue
from shop_backend.kernel import outbox, transactions
from shop_backend.kernel.models import OutboxMessage
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture
def customer():
    return UserFactory()


@pytest.fixture
def start(orders, customer):
    number = orders.place(customer)
    return partial(services.start_payment, reference=number, customer=customer)


@pytest.mark.parametrize("call", ["create_intent", "confirm"])
@pytest.mark.parametrize("what", ["request", "answer"])
def test_a_lost_call_is_a_503_and_the_same_request_goes_on(
    orders, customer, line, told, call, what
):
    number = orders.place(customer)
    client = ShopClient()
    client.force_authenticate(customer)
    body = {"order_id": number, "payment_method": "pm_card_visa"}
    key = {"Idempotency-Key": "pay-1"}
    line.lose(call, what)

    lost = client.post("/api/payments/", body, headers=key)
    assert (lost.status_code, lost.json()["code"]) == (503, "payment_provider_unavailable")
    assert lost.headers["Retry-After"] == "5"

    # If the webhook was faster, nothing is due any more.
    assert client.post("/api/payments/", body, headers=key).status_code == 201
    payment = Payment.objects.get()
    assert (payment.status, payment.confirmations) == ("succeeded", 1)
    assert SandboxIntent.objects.get().captured_minor == 1999
    assert told == [PaymentCaptured(number, payment.pk, Money(1999, "GBP"))]


@pytest.mark.parametrize("call", ["create_intent", "confirm"])
@pytest.mark.parametrize("what", ["before", "after"])
def test_dying_in_the_middle_leaves_a_payment_that_goes_on(start, line, told, call, what):
    def die():
        raise KeyboardInterrupt

    if what == "before":
        line.before[call] = die
        with pytest.raises(KeyboardInterrupt):
            start(payment_method="pm_card_visa", attempt_key="a")
    else:
        line.lose(call, "answer")
        with pytest.raises(ProviderUnavailable):
            start(payment_method="pm_card_visa", attempt_key="a")

    payment = start(payment_method="pm_card_visa", attempt_key="a")

    assert payment.status == "succeeded"
    assert Payment.objects.count() == SandboxIntent.objects.count() == 1
    assert len(told) == 1


@pytest.mark.parametrize("method", ["pm_card_visa", None])
def test_a_repeat_after_everything_was_done_answers_the_payment(start, line, told, method):
    """The process died just before the answer was kept."""
    payment = start(payment_method=method, attempt_key="a")
    if method is None:
        start(payment_method="pm_card_visa")
    line.calls.clear()

    again = start(payment_method=method, attempt_key="a")

    assert (again.pk, again.status) == (payment.pk, "succeeded")
    assert line.calls == []
    assert len(told) == 1
    for other in ("b", None):
        with pytest.raises(NothingDue):
            start(payment_method=method, attempt_key=other)


def test_a_repeat_of_a_request_whose_payment_was_given_up_starts_anew(start):
    payment = start(payment_method=None, attempt_key="a")
    transactions.run(partial(services.cancel_open_payments, reference=payment.reference))
    outbox.deliver_due()

    again = start(payment_method="pm_card_visa", attempt_key="a")

    assert (again.pk != payment.pk, again.status) == (True, "succeeded")


@pytest.mark.parametrize(
    ("end", "status", "refusal"),
    [
        (services.capture_payment, "succeeded", NotCapturable),
        (services.void_payment, "canceled", NotVoidable),
    ],
)
def test_a_repeated_capture_or_void_gets_its_answer(start, settings, told, end, status, refusal):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = start(payment_method="pm_card_visa")
    end(payment_id=payment.pk, attempt_key="a")
    told.clear()

    again = end(payment_id=payment.pk, attempt_key="a")

    assert (again.status, told) == (status, [])
    for other in ("b", None):
        with pytest.raises(refusal):
            end(payment_id=payment.pk, attempt_key=other)


@pytest.mark.parametrize("action", ["capture", "void"])
def test_a_lost_capture_or_void_is_repeated_with_its_key(start, settings, line, action):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = start(payment_method="pm_card_visa")
    manager = ShopClient()
    manager.force_authenticate(StaffFactory(role="manager"))
    path, key = f"/api/payments/{payment.pk}/{action}/", {"Idempotency-Key": "end-1"}
    line.lose("capture" if action == "capture" else "cancel", "answer")

    assert manager.post(path, headers=key).status_code == 503
    outbox.deliver_due()  # the webhook is faster than the repeat
    assert manager.post(path, headers=key).status_code == 200


def test_an_intent_that_is_just_being_made_dies_with_its_cancellation(start, line, told):
    """Cancel and expiry come while the first request is on its way to the provider."""

    def cancel():
        payment = Payment.objects.get()
        transactions.run(partial(services.cancel_open_payments, reference=payment.reference))
        outbox.deliver_due()

    line.before["confirm"] = cancel

    with pytest.raises(PaymentNotOpen):
        start(payment_method="pm_card_visa")

    assert Payment.objects.get().status == SandboxIntent.objects.get().status == "canceled"
    assert [type(event) for event in told] == [PaymentCanceled]


def test_a_cancellation_before_the_intent_is_made_kills_it_too(start, line, told):
    def cancel():
        payment = Payment.objects.get()
        transactions.run(partial(services.cancel_open_payments, reference=payment.reference))
        outbox.deliver_due()

    line.before["create_intent"] = cancel

    with pytest.raises(PaymentNotOpen):
        start(payment_method="pm_card_visa")

    assert SandboxIntent.objects.get().status == "canceled"
    assert SandboxIntent.objects.get().captured_minor == 0


def test_a_customer_who_pays_in_the_browser_at_the_same_time_pays_once(start, line, told):
    def browser():
        line.confirm(
            provider_reference=Payment.objects.get().provider_reference,
            payment_method="pm_card_visa",
            idempotency_key="browser",
        )

    line.before["confirm"] = browser

    payment = start(payment_method="pm_card_mastercard")

    assert (payment.status, payment.captured_minor) == ("succeeded", 1999)
    assert SandboxIntent.objects.get().card == "pm_card_visa"
    assert len(told) == 1


def test_no_second_payment_is_opened_while_the_first_may_still_be_collected(
    start, customer, line, told
):
    """Given up here, not yet at the provider, and the customer's browser is faster."""
    payment = start(payment_method=None)
    transactions.run(partial(services.cancel_open_payments, reference=payment.reference))
    line.confirm(
        provider_reference=payment.provider_reference,
        payment_method="pm_card_visa",
        idempotency_key="browser",
    )

    with pytest.raises(NothingDue):
        start(payment_method="pm_card_visa")

    assert Payment.objects.get().captured_minor == 1999
    assert SandboxIntent.objects.count() == 1


def test_a_new_payment_is_opened_once_the_first_is_dead(start):
    payment = start(payment_method=None)
    transactions.run(partial(services.cancel_open_payments, reference=payment.reference))

    second = start(payment_method="pm_card_visa")

    assert (second.status, second.pk != payment.pk) == ("succeeded", True)
    assert SandboxIntent.objects.get(intent_id=payment.provider_reference).status == "canceled"


def test_an_authorised_payment_is_not_confirmed_again(start, settings):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    first = start(payment_method="pm_card_visa")

    second = start(payment_method="pm_card_chargeDeclined")

    assert (second.pk, second.status) == (first.pk, "requires_capture")


def test_cancelling_gives_an_authorisation_back(start, settings, told):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = start(payment_method="pm_card_visa")

    transactions.run(partial(services.cancel_open_payments, reference=payment.reference))
    outbox.deliver_due()

    assert Payment.objects.get().status == SandboxIntent.objects.get().status == "canceled"
    assert [type(event) for event in told].count(PaymentCanceled) == 1


def test_a_payment_under_review_is_not_confirmed(start, line):
    payment = start(payment_method=None)
    SandboxIntent.objects.update(amount_minor=1, version=9)

    with pytest.raises(PaymentUnderReview):
        start(payment_method=None)

    payment.refresh_from_db()
    assert payment.review_reason == "amount_mismatch"
    services.close_review(payment_id=payment.pk, actor_id=7, note="Our own mistake.")
    payment.refresh_from_db()
    assert payment.review_reason == ""


def test_a_lost_answer_to_a_capture_is_found_by_asking_again(start, settings, line):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = start(payment_method="pm_card_visa")
    line.capture(provider_reference=payment.provider_reference, idempotency_key="dashboard")

    captured = services.capture_payment(payment_id=payment.pk)

    assert captured.captured_minor == 1999


def test_what_was_asked_about_lately_is_left_out(start):
    start(payment_method=None)

    assert services.sync_open_payments(unasked_for=timedelta(minutes=5)) == 0


def test_asking_stops_when_the_provider_is_down(start, line):
    start(payment_method=None)
    line.lose("retrieve", "request")

    assert services.sync_open_payments() == 0


def test_asking_makes_an_intent_for_a_payment_whose_request_died_before_it(start, line):
    line.lose("create_intent", "request")
    with pytest.raises(ProviderUnavailable):
        start(payment_method=None)

    assert services.sync_open_payments() == 1

    assert Payment.objects.get().provider_reference == SandboxIntent.objects.get().intent_id


def test_a_cancellation_that_never_reached_the_provider_is_made_up_for(start, line, told):
    payment = start(payment_method=None)
    transactions.run(partial(services.cancel_open_payments, reference=payment.reference))
    OutboxMessage.objects.all().delete()
    told.clear()
    line.confirm(
        provider_reference=payment.provider_reference,
        payment_method="pm_card_visa",
        idempotency_key="browser",
    )
    OutboxMessage.objects.all().delete()  # the news of it is lost as well

    assert services.sync_open_payments() == 1

    payment.refresh_from_db()
    assert (payment.status, payment.is_cancel_pending) == ("succeeded", False)
    assert told == [PaymentCaptured(payment.reference, payment.pk, Money(1999, "GBP"))]
    assert services.sync_open_payments() == 0


def test_one_payment_that_cannot_be_asked_about_does_not_keep_the_rest_waiting(
    orders, customer, line
):
    def open_payment():
        return services.start_payment(
            reference=orders.place(customer), customer=customer, payment_method=None
        )

    broken, gone, stranger, paid = [open_payment() for _ in range(4)]
    SandboxIntent.objects.filter(intent_id=gone.provider_reference).update(intent_id="pi_other")
    Payment.objects.filter(pk=stranger.pk).update(provider="nobody")
    line.confirm(
        provider_reference=paid.provider_reference,
        payment_method="pm_card_visa",
        idempotency_key="browser",
    )

    def crash():
        raise RuntimeError("a bug")

    line.before["retrieve"] = crash

    assert services.sync_open_payments() == 3

    for payment, reason in ((broken, ""), (gone, "resource_missing"), (stranger, "")):
        payment.refresh_from_db()
        assert (payment.status, payment.review_reason) == ("requires_payment_method", reason)
    paid.refresh_from_db()
    assert paid.status == "succeeded"
    assert services.sync_open_payments() == 1


@pytest.mark.parametrize("method", ["pm_card_visa", None])
def test_an_intent_that_is_gone_at_the_provider_is_looked_at_by_a_person(start, method):
    payment = start(payment_method=None)
    SandboxIntent.objects.update(intent_id="pi_other")

    with pytest.raises(PaymentUnderReview):
        start(payment_method=method)

    payment.refresh_from_db()
    assert payment.review_reason == "resource_missing"


def test_after_a_database_reset_a_pk_has_other_keys_at_the_provider(start):
    payment = start(payment_method="pm_card_visa")
    name = f"payment-{payment.pk}"

    keys = set(SandboxRequest.objects.values_list("key", flat=True))

    assert keys == {payment.key_for(name), payment.key_for(f"{name}-confirm-1")}
    assert Payment(pk=payment.pk).key_for(name) not in keys


@pytest.mark.parametrize(
    "call",
    [
        lambda provider: provider.create_intent(
            amount=Money(1, "GBP"),
            payment_id=1,
            reference="R",
            capture_method="automatic",
            idempotency_key="k",
        ),
        lambda provider: provider.confirm(
            provider_reference="pi", payment_method="pm_card_visa", idempotency_key="k"
        ),
        lambda provider: provider.retrieve(provider_reference="pi"),
        lambda provider: provider.capture(provider_reference="pi", idempotency_key="k"),
        lambda provider: provider.cancel(provider_reference="pi", idempotency_key="k"),
        lambda provider: provider.refund(
            provider_reference="pi", amount=Money(1, "GBP"), refund_id=1, idempotency_key="k"
        ),
        lambda provider: services.start_payment(
            reference="R", customer=User(), payment_method=None
        ),
        lambda provider: services.refund(
            payment_id=1, amount=None, reason="", actor_id=None, attempt_key=None
        ),
        lambda provider: services.receive_webhook(provider="sandbox", body=b"", signature=""),
        lambda provider: services.send_refund({"refund_id": 1}),
    ],
)
def test_the_provider_is_never_called_inside_a_transaction(call):
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        call(SandboxProvider())


def test_the_sandbox_refuses_a_key_that_was_used_for_something_else(start):
    payment = start(payment_method=None)
    ask = partial(
        SandboxProvider().confirm,
        provider_reference=payment.provider_reference,
        idempotency_key="key-1",
    )
    ask(payment_method="pm_card_chargeDeclined")

    again = ask(payment_method="4000000000000002")  # the same card by its number
    assert again.failure_code == "generic_decline"
    with pytest.raises(RuntimeError, match="other parameters"):
        ask(payment_method="pm_card_visa")
    assert SandboxIntent.objects.get().captured_minor == 0
