"""Many at one payment, on a real PostgreSQL."""

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from payments import selectors, services
from payments.errors import NothingToRefund, RefundExceedsCaptured
from payments.events import PaymentCaptured, PaymentRefunded
from payments.models import (
    MoneyMovement,
    Payment,
    ProviderEvent,
    Refund,
    SandboxEvent,
    SandboxIntent,
)
from payments.providers import sandbox, signatures
from payments.providers.base import RefundState, UnexpectedState
from payments.services import applying
from payments.tests.factories import PaymentFactory, RefundFactory, pay
from shop_backend.kernel import outbox, transactions
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.models import SpentBudget
from shop_backend.kernel.money import Money

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def at_once(*jobs):
    """Run the jobs on a thread and a connection each, started together; return the outcomes."""
    start = threading.Barrier(len(jobs), timeout=30)

    def run(job):
        try:
            connection.ensure_connection()
            start.wait()
            return job()
        except (ShopError, UnexpectedState) as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def refunding(payment, amount=None):
    return partial(
        services.refund,
        payment_id=payment.pk,
        amount=amount,
        reason="",
        actor_id=None,
        attempt_key=None,
    )


def news():
    """Return a job that brings each event of the sandbox to the webhook."""

    def bring(payload):
        body = json.dumps(payload).encode()
        signature = signatures.sign(body, secret=sandbox.webhook_secret())
        services.receive_webhook(provider="sandbox", body=body, signature=signature)

    return [partial(bring, event.payload) for event in SandboxEvent.objects.order_by("pk")]


def test_twenty_full_refunds_at_once_send_the_money_back_once(orders, told):
    payment = pay(orders, UserFactory())

    outcomes = at_once(*[refunding(payment)] * 20)

    made = [outcome for outcome in outcomes if isinstance(outcome, Refund)]
    payment.refresh_from_db()
    assert len(made) == 1
    assert {type(outcome) for outcome in outcomes} == {Refund, NothingToRefund}
    assert payment.refunded_minor == SandboxIntent.objects.get().refunded_minor == 1999
    assert [event.amount.minor for event in told if type(event) is PaymentRefunded] == [1999]
    kinds = list(MoneyMovement.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["capture", "refund_request", "refund_success"]


def test_twenty_parts_at_once_never_exceed_what_came_in(orders):
    payment = pay(orders, UserFactory(), minor=1000)

    outcomes = at_once(*[refunding(payment, Money(300, "GBP"))] * 20)

    payment.refresh_from_db()
    assert len([outcome for outcome in outcomes if isinstance(outcome, Refund)]) == 3
    assert RefundExceedsCaptured in {type(outcome) for outcome in outcomes}
    assert payment.refunded_minor == SandboxIntent.objects.get().refunded_minor == 900


def test_the_counter_guards_itself_even_without_the_lock(orders):
    """The guarded UPDATE alone: the row's lock is a courtesy to those who wait."""
    payment = pay(orders, UserFactory(), minor=1000)

    def take():
        take_refundable = services.refunding.take_refundable
        return transactions.run(partial(take_refundable, payment=payment, amount=Money(300, "GBP")))

    outcomes = at_once(*[take] * 20)

    assert outcomes.count(True) == 3


def test_ten_first_requests_at_once_open_one_payment_and_collect_once(orders, told):
    customer = UserFactory()
    number = orders.place(customer)
    start = partial(
        services.start_payment,
        reference=number,
        customer=customer,
        payment_method="pm_card_visa",
    )

    outcomes = at_once(*[start] * 10)

    payment = Payment.objects.get()
    assert Payment in {type(outcome) for outcome in outcomes}
    assert (payment.status, payment.captured_minor) == ("succeeded", 1999)
    assert SandboxIntent.objects.count() == 1
    assert [type(event) for event in told] == [PaymentCaptured]


def test_one_event_that_comes_ten_times_at_once_is_applied_once(orders, told):
    customer = UserFactory()
    number = orders.place(customer)
    payment = services.start_payment(reference=number, customer=customer, payment_method=None)
    sandbox_pay(payment.provider_reference)
    job = news()[-1]

    at_once(*[job] * 10)

    assert ProviderEvent.objects.filter(kind="payment_intent.succeeded").count() == 1
    assert [type(event) for event in told] == [PaymentCaptured]


@pytest.mark.parametrize("round_number", range(8))
def test_confirm_webhook_and_cancel_end_in_one_state_with_no_money_untold(
    orders, told, round_number
):
    customer = UserFactory()
    number = orders.place(customer)
    payment = services.start_payment(reference=number, customer=customer, payment_method=None)
    start = partial(
        services.start_payment,
        reference=number,
        customer=customer,
        payment_method="pm_card_visa",
    )
    cancel = partial(transactions.run, partial(services.cancel_open_payments, reference=number))
    browser = partial(sandbox_pay, payment.provider_reference)
    tell = partial(services.refresh_payment, payment_id=payment.pk)

    at_once(start, cancel, browser, tell, start, *news())
    for _ in range(3):
        outbox.deliver_due(limit=1000)

    for intent in SandboxIntent.objects.all():
        ours = Payment.objects.get(provider_reference=intent.intent_id)
        assert (ours.status, ours.captured_minor) == (intent.status, intent.captured_minor)
    captured = selectors.get_balance(reference=number).captured
    heard = [event.amount.minor for event in told if type(event) is PaymentCaptured]
    assert sum(heard) == captured.minor
    assert captured.minor in {0, 1999}


def sandbox_pay(intent_id):
    return sandbox.SandboxProvider().confirm(
        provider_reference=intent_id,
        payment_method="pm_card_visa",
        idempotency_key="browser-1",
    )


@pytest.mark.parametrize("way", ["answer", "refund", "refund_answer", "refused", "webhook"])
def test_all_payments_of_the_reference_are_locked_before_news_is_told(orders, way):
    """Whoever hears the news may refund them all."""
    customer = UserFactory()
    first = pay(orders, customer)
    PaymentFactory(reference=first.reference, customer=customer)
    bodies = news()
    refund = RefundFactory(payment=first)
    Payment.objects.filter(pk=first.pk).update(refunded_minor=100)
    state = RefundState("re_1", str(first.provider_reference), "succeeded", Money(100, "GBP"))
    ways = {
        "answer": partial(services.refresh_payment, payment_id=first.pk),
        "refund": refunding(first, Money(1, "GBP")),
        "refund_answer": partial(
            applying.apply_refund_answer,
            refund_id=refund.pk,
            state=replace(state, refund_id=refund.pk),
        ),
        "refused": partial(services.refunding._end, refund_id=refund.pk, refusal="no"),
        "webhook": bodies[-1],
    }
    ProviderEvent.objects.all().delete()

    with CaptureQueriesContext(connection) as queries:
        ways[way]()

    locks = [query["sql"] for query in queries if "FOR UPDATE" in query["sql"]]
    locks = [sql for sql in locks if 'FROM "payments_payment"' in sql]
    assert locks
    for sql in locks:
        assert '"payments_payment"."reference" = ' in sql
        assert 'ORDER BY "payments_payment"."id"' in sql


def test_payments_are_locked_before_the_order_is_asked_about(orders):
    customer = UserFactory()
    number = orders.place(customer)
    services.start_payment(reference=number, customer=customer, payment_method=None)

    with CaptureQueriesContext(connection) as queries:
        services.record_offline_payment(reference=number, amount=None, note="", actor_id=None)

    locks = [query["sql"] for query in queries if "FOR UPDATE" in query["sql"]]
    assert 'FROM "payments_payment"' in locks[0]
    assert 'ORDER BY "payments_payment"."id"' in locks[0]


def test_of_fifty_declined_cards_at_once_no_more_are_tried_than_the_limit_says(orders, settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"declined_account": "5/hour"}
    customer = UserFactory()
    tries = [
        partial(
            services.start_payment,
            reference=orders.place(customer),
            customer=customer,
            payment_method="pm_card_chargeDeclined",
        )
        for _ in range(50)
    ]

    outcomes = at_once(*(partial(one_after_another, tries[n::10]) for n in range(10)))

    told = Counter(outcome.code for found in outcomes for outcome in found)
    assert told == {"card_declined": 5, "too_many_declines": 45}
    assert sum(Payment.objects.values_list("confirmations", flat=True)) == 5


def one_after_another(jobs):
    found = []
    for job in jobs:
        with pytest.raises(ShopError) as refusal:
            job()
        found.append(refusal.value)
    return found


def test_good_cards_at_once_are_all_paid_within_the_limit_and_count_as_nothing(orders, settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"declined_account": "8/hour"}
    customer = UserFactory()
    pays = partial(services.start_payment, customer=customer, payment_method="pm_card_visa")

    paid = at_once(*(partial(pays, reference=orders.place(customer)) for _ in range(8)))

    assert {payment.status for payment in paid} == {"succeeded"}
    spent = SpentBudget.objects.filter(spent_until__gt=time.time_ns() // 1000)
    assert not spent.filter(pk__startswith="declined").exists()
