"""The provider's news come often, late, in any order, or never; some are forged or foreign."""

import contextlib
import io
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from orders.models import Order
from payments import services as payments
from payments.models import Payment, ProviderEvent, SandboxEvent
from payments.providers import signatures
from payments.providers.sandbox import (
    WEBHOOK_KIND,
    SandboxProvider,
    signed_event,
    webhook_secret,
)
from shop_backend.kernel import jsontext
from shop_backend.kernel.models import OutboxMessage
from tests.chaos import wire
from tests.chaos.attack import Drill, Round, expect, label
from tests.chaos.attacks.a6_ends import webhook

# What the customer's browser does at the provider, card after card; then a refund made there.
STORIES: tuple[tuple[str, ...], ...] = (
    ("pm_card_visa",),
    ("pm_card_chargeDeclined", "pm_card_visa"),
    ("pm_card_authenticationRequired", "pm_card_authenticationRequired"),
    ("pm_card_chargeDeclined",),
    ("pm_card_visa", "refund"),
)
AT_ONCE = 50
TOGETHER = 25  # orders whose news are shuffled into each other


@dataclass
class Told:
    """An order, what the provider has to tell of it, and what is done to the telling."""

    order: Order
    story: int
    events: list[str]
    is_missing: bool = False
    is_foreign: bool = False


class News(Drill):
    """``size`` is the number of orders."""

    name = "Webhook chaos"
    sentence = "each event 1 to 5 times, shuffled, late, missing, forged, foreign: as in order"
    unit = "orders"
    weight = 5

    def run(self) -> Round:
        made = Round()
        wanted = [self._tell_in_order(story, made) for story in range(len(STORIES))]
        while self.done < self.size and time.time() < self.until:
            numbers = range(self.done, min(self.done + TOGETHER, self.size))
            self._tell_shuffled(numbers, wanted, made)
            self.done = numbers.stop
        made.violations += expect(
            "forged news kept", ProviderEvent.objects.filter(event_id__contains="forged").count(), 0
        )
        return made

    def _tell_shuffled(self, numbers: range, wanted: list[list[Any]], made: Round) -> None:
        begun = timezone.now()
        told = [self._tell(number % len(STORIES)) for number in numbers]
        for number, one in zip(numbers, told, strict=True):
            one.is_foreign = number % 11 == 7
            one.is_missing = number % 7 == 3 and not one.is_foreign
        deliveries = [d for one in told for d in self._deliveries(one)]
        forged = [self._forged(one) for one in told[::5]]
        random.shuffle(deliveries)
        late = len(deliveries) // 5
        self._deliver(deliveries[late:], 200, made)
        self._deliver([webhook(*each) for each in forged], 400, made)
        self.shop.sweep()
        self._deliver(deliveries[:late], 200, made)
        self.shop.sweep()
        self._reconcile(begun)
        made.violations += self._judge(told, wanted)

    def _reconcile(self, since: datetime) -> None:
        """Run the command that asks about everything; it exits with 1 for the foreign ones."""
        with contextlib.suppress(CommandError):
            call_command(
                "reconcile_payments",
                since=since,
                quiet_minutes=0,
                stdout=io.StringIO(),
                stderr=io.StringIO(),
            )

    def _tell_in_order(self, story: int, made: Round) -> list[Any]:
        told = self._tell(story)
        for event in told.events:
            self._deliver([webhook(*signed_event(event))], 200, made)
        return state_of(told.order)

    def _tell(self, story: int) -> Told:
        """Place an order, let the story happen at the provider, and keep its news back."""
        (buyer,) = self.shop.buyers(1)
        seen = SandboxEvent.objects.count() and SandboxEvent.objects.order_by("-pk")[0].pk
        order = self.shop.place(buyer, (self.shop.variant(stock=5), 1))
        payment = payments.start_payment(
            reference=order.number, customer=buyer.user, payment_method=None
        )
        for step in STORIES[story]:
            _do_at_provider(payment, step)
        OutboxMessage.objects.filter(kind=WEBHOOK_KIND, sent_at=None).update(sent_at=timezone.now())
        events = SandboxEvent.objects.filter(pk__gt=seen).order_by("pk")
        return Told(order, story, list(events.values_list("event_id", flat=True)))

    def _deliveries(self, told: Told) -> list[wire.Request]:
        events = told.events[:-1] if told.is_missing else told.events
        requests = [webhook(*signed_event(e)) for e in events for _ in range(random.randint(1, 5))]
        if told.is_foreign:
            foreign: list[dict[str, Any]] = [{"amount": 1}, {"currency": "eur"}]
            change = random.choice(foreign)
            requests.append(webhook(*_signed_with(told, change)))
        return requests

    def _forged(self, told: Told) -> tuple[bytes, str]:
        body, signature = _signed_with(told, {"amount_received": 1})
        return body.replace(b"evt_", b"evt_forged_"), signature

    def _deliver(self, requests: Sequence[wire.Request], status: int, made: Round) -> None:
        for start in range(0, len(requests), AT_ONCE):
            for answer in self.fire(requests[start : start + AT_ONCE]):
                made.answers[label(answer)] += 1
                made.violations += expect("answer to news", answer.status, status)

    def _judge(self, told: list[Told], wanted: list[list[Any]]) -> list[str]:
        wrong: list[str] = []
        for one in told:
            wrong += expect(f"{one.order} ({one})", state_of(one.order), wanted[one.story])
            flagged = Payment.objects.exclude(review_reason="").filter(reference=one.order.number)
            wrong += expect(f"{one.order} is looked at", flagged.exists(), one.is_foreign)
        return wrong


def state_of(order: Order) -> list[Any]:
    """Return all that the news may have changed."""
    order.refresh_from_db()
    payment = Payment.objects.get(reference=order.number)
    refunds = [(refund.status, refund.amount_minor) for refund in payment.refunds.all()]
    return [
        str(order.status),
        order.payment_status,
        str(payment.status),
        payment.captured_minor,
        payment.refunded_minor,
        payment.failure_code,
        refunds,
    ]


def _do_at_provider(payment: Payment, step: str) -> None:
    there, key = str(payment.provider_reference), uuid.uuid4().hex
    if step == "refund":
        SandboxProvider().refund(
            provider_reference=there, amount=payment.amount, refund_id=0, idempotency_key=key
        )
    else:
        SandboxProvider().confirm(
            provider_reference=there, payment_method=step, idempotency_key=key
        )


def _signed_with(told: Told, change: dict[str, Any]) -> tuple[bytes, str]:
    """Return a rightly signed event about the order's intent that says something else."""
    event = next(e for e in SandboxEvent.objects.filter(event_id__in=told.events).order_by("pk"))
    payload = orjson.loads(jsontext.dumps(event.payload))
    payload["id"] = f"evt_{uuid.uuid4().hex}"
    payload["type"] = "payment_intent.succeeded"
    payload["data"]["object"] |= {"status": "succeeded", **change}
    body = jsontext.dumps(payload)
    return body, signatures.sign(body, secret=webhook_secret())
