"""A6: an order is paid, confirmed, cancelled and expired at the same moment."""

import threading
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from orders import services as orders
from orders.models import Order
from payments import services as payments
from payments.models import Payment, SandboxEvent, SandboxIntent
from payments.providers.sandbox import SandboxProvider, signed_event
from tests.chaos import wire
from tests.chaos.attack import Attack, expect, expect_true
from tests.chaos.shop import Person

WEBHOOK = "/api/payments/webhooks/sandbox/"


class FourEnds(Attack):
    name = "A6 four ends"
    sentence = (
        "10 orders: webhook, confirmation, cancel and expiry at once: one end, money to match"
    )
    naive = "a6"
    orders = 10

    def prepare(self) -> list[wire.Request]:
        self.variant = self.shop.variant(stock=1000)
        buyers = self.shop.buyers(self.orders)
        self.placed = [self.shop.place(buyer, (self.variant, 1)) for buyer in buyers]
        requests: list[wire.Request] = []
        for number, (buyer, order) in enumerate(zip(buyers, self.placed, strict=True)):
            requests += self._requests_of(buyer, order, number)
        return requests

    def _requests_of(self, buyer: Person, order: Order, number: int) -> list[wire.Request]:
        payment = payments.start_payment(
            reference=order.number, customer=buyer.user, payment_method=None
        )
        news = confirm_at_provider(payment)
        confirm = buyer.post(
            "/payments/", {"order_id": order.number, "payment_method": "pm_card_visa"}
        )
        cancel = buyer.post(f"/orders/{order.number}/cancel/")
        requests = [news, confirm, cancel, news, confirm]
        return requests[number % 3 :] + requests[: number % 3]  # each may be the first

    def fire(self, requests: Sequence[wire.Request]) -> list[wire.Answer]:
        with self.server.field:
            answers = self._fire_beside_the_expiry(requests)
            self.shop.sweep()  # here, as it ends the leases of whatever is under way
            return answers

    def _fire_beside_the_expiry(self, requests: Sequence[wire.Request]) -> list[wire.Answer]:
        released = threading.Event()
        expiry = threading.Thread(target=self._expire, args=(released,))
        expiry.start()
        try:
            return wire.release_together(self.address, requests, released=released)
        finally:
            released.set()
            expiry.join()

    def _expire(self, released: threading.Event) -> None:
        released.wait()
        later = timezone.now() + timedelta(hours=2)
        numbers = [order.number for order in self.placed]
        try:
            orders.expire_overdue_orders(now=later, numbers=numbers[::-1], limit=100)
        finally:
            connection.close()

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        wrong, paid = [], 0
        for order in self.placed:
            order.refresh_from_db()
            is_paid = order.status == Order.Status.PAID
            paid += is_paid
            over = order.status in {Order.Status.CANCELLED, Order.Status.EXPIRED}
            kept = order.total_minor if is_paid else 0
            wrong += expect_true(f"{order} has an end ({order.status})", is_paid or over)
            wrong += expect(f"{order} money kept ({order.status})", kept_of(order), kept)
            wrong += expect(f"{order} money kept there", kept_at_provider(order), kept)
        return wrong + expect("units put aside", self.shop.level(self.variant).reserved, paid)


def confirm_at_provider(payment: Payment, card: str = "pm_card_visa") -> wire.Request:
    """Let the customer's browser confirm at the provider; return the news that it sends."""
    SandboxProvider().confirm(
        provider_reference=str(payment.provider_reference),
        payment_method=card,
        idempotency_key=f"browser-{uuid.uuid4().hex}",
    )
    event = SandboxEvent.objects.order_by("-pk")[0]
    return webhook(*signed_event(event.event_id))


def webhook(body: bytes, signature: str) -> wire.Request:
    """Return the request that brings the provider's news."""
    headers = {SandboxProvider.signature_header: signature}
    return wire.Request("POST", WEBHOOK, body, headers=headers)


def kept_of(order: Order) -> int:
    """Return what our books say we keep of the customer's money."""
    paid = Payment.objects.filter(reference=order.number)
    return sum(payment.captured_minor - payment.refunded_minor for payment in paid)


def kept_at_provider(order: Order) -> int:
    """Return what the provider says we keep."""
    intents = SandboxIntent.objects.filter(metadata__reference=order.number)
    return sum(intent.captured_minor - intent.refunded_minor for intent in intents)


ATTACKS = (FourEnds,)
