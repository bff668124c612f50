"""One payment in any order of events: what is in our books is what happened at the provider."""

import json
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.tests.factories import UserFactory
from payments import selectors, services
from payments.events import PaymentCaptured, PaymentRefunded
from payments.models import Payment, ProviderEvent, Refund, SandboxEvent, SandboxIntent
from payments.providers import sandbox, signatures
from payments.providers.base import UnexpectedState
from payments.tests.factories import Orders, PaymentFactory, RefundFactory
from shop_backend.kernel import events, outbox, transactions
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money

pytestmark = [pytest.mark.django_db]

CARDS = [
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_card_pendingRefund",
]


class OnePayment(RuleBasedStateMachine):
    """The customer, the shop and the provider act on one order of 10.00 in any order.

    The model is small: what is captured is 0 or 1000 and stays, what went back is a sum that
    never exceeds it, and each is told once.
    """

    orders: Orders
    heard: list

    @initialize()
    def place(self):
        self.heard.clear()
        self.customer = UserFactory()
        self.number = self.orders.place(self.customer, 1000, f"R{len(self.orders.totals)}")
        self.attempts = 0
        self.collected = 0
        self.first_event = SandboxEvent.objects.count()

    def attempt(self, call):
        try:
            return call()
        except (ShopError, UnexpectedState):
            return None

    def events(self):
        return SandboxEvent.objects.order_by("pk")[self.first_event :]

    def intents(self):
        return SandboxIntent.objects.filter(metadata__reference=self.number)

    def payments(self):
        return Payment.objects.filter(reference=self.number)

    @rule(card=st.sampled_from([None, *CARDS]))
    def pay_here(self, card):
        self.attempt(
            partial(
                services.start_payment,
                reference=self.number,
                customer=self.customer,
                payment_method=card,
            )
        )

    @rule(card=st.sampled_from(CARDS))
    def pay_in_the_browser(self, card):
        self.attempts += 1
        for intent in self.intents():
            self.attempt(
                partial(
                    sandbox.SandboxProvider().confirm,
                    provider_reference=intent.intent_id,
                    payment_method=card,
                    idempotency_key=f"browser-{intent.pk}-{self.attempts}",
                )
            )

    @precondition(lambda self: hasattr(self, "number") and self.events())
    @rule(data=st.data())
    def hear_any_news(self, data):
        event = data.draw(st.sampled_from(list(self.events())), label="event")
        body = json.dumps(event.payload).encode()
        signature = signatures.sign(body, secret=sandbox.webhook_secret())
        services.receive_webhook(provider="sandbox", body=body, signature=signature)

    @rule()
    def do_what_is_due(self):
        outbox.deliver_due(limit=1000)

    @rule()
    def cancel(self):
        transactions.run(partial(services.cancel_open_payments, reference=self.number))

    @rule(minor=st.integers(1, 1100))
    def refund(self, minor):
        for payment in self.payments():
            self.attempt(
                partial(
                    services.refund,
                    payment_id=payment.pk,
                    amount=Money(minor, "GBP"),
                    reason="",
                    actor_id=None,
                    attempt_key=None,
                )
            )

    @rule()
    def refund_everything(self):
        transactions.run(
            partial(services.refund_everything, reference=self.number, reason="", actor_id=None)
        )

    @rule()
    def ask_about_open_payments(self):
        services.sync_open_payments()

    @invariant()
    def our_books_never_run_ahead_of_the_provider(self):
        if not hasattr(self, "number"):
            return
        balance = selectors.get_balance(reference=self.number)
        at_provider = sum(intent.captured_minor for intent in self.intents())
        assert balance.captured.minor <= at_provider
        assert self.collected <= balance.captured.minor <= 1000
        assert at_provider <= 1000
        self.collected = balance.captured.minor
        assert self.told(PaymentCaptured) == balance.captured.minor
        live = Refund.objects.filter(payment__reference=self.number).exclude(status="failed")
        assert balance.refunded.minor == sum(refund.amount_minor for refund in live)
        assert balance.refunded <= balance.captured
        settled = sum(refund.amount_minor for refund in live if refund.status == "succeeded")
        assert self.told(PaymentRefunded) == settled
        assert self.payments().open().count() <= 1

    def told(self, kind):
        return sum(event.amount.minor for event in self.heard if type(event) is kind)

    def teardown(self):
        """When all news has come and all that was due is done, both say the same."""
        if not hasattr(self, "number"):
            return
        for _ in range(3):
            outbox.deliver_due(limit=1000)
            services.apply_pending_events(now=timezone.now() + timedelta(hours=2))
        services.sync_open_payments()
        for intent in self.intents():
            payment = Payment.objects.get(provider_reference=intent.intent_id)
            assert payment.status == intent.status
            assert payment.captured_minor == intent.captured_minor
            assert payment.refunded_minor == intent.refunded_minor
            assert payment.review_reason == ""
        assert not ProviderEvent.objects.filter(applied_at=None).exists()


def test_our_books_follow_the_provider_whatever_happens(orders, told):
    machine = type("Machine", (OnePayment,), {"orders": orders, "heard": told})
    events.subscribe({kind: [told.append] for kind in (PaymentCaptured, PaymentRefunded)})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- what the database itself forbids ---


@pytest.mark.portable
@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 0},
        {"captured_minor": -1},
        {"captured_minor": 2000},
        {"refunded_minor": 2000},
        {"refunded_minor": -1},
    ],
)
def test_the_database_forbids_amounts_that_do_not_add_up(change):
    payment = PaymentFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**change)


@pytest.mark.portable
def test_the_database_forbids_a_second_open_payment_of_one_order():
    PaymentFactory(reference="R1", open_reference="R1")

    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentFactory(reference="R1", open_reference="R1")


@pytest.mark.portable
def test_the_database_forbids_keeping_an_event_twice():
    ProviderEvent.objects.create(provider="sandbox", event_id="e", kind="x", payload={})

    with pytest.raises(IntegrityError), transaction.atomic():
        ProviderEvent.objects.create(provider="sandbox", event_id="e", kind="x", payload={})


@pytest.mark.portable
def test_the_database_forbids_a_refund_of_nothing_and_one_attempt_twice():
    refund = RefundFactory(attempt_key="a")

    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(amount_minor=F("amount_minor") - 100)
    with pytest.raises(IntegrityError), transaction.atomic():
        RefundFactory(attempt_key="a")
