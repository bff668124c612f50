"""The process dies after every single SQL statement of placing, paying, refunding, shipping."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from orders.models import Order
from payments.models import Payment, Refund, SandboxIntent
from shipping.models import Shipment
from tests.chaos import wire
from tests.chaos.attack import Attack, Round, expect, label

MOST_TRIES = 30
DIE_AFTER = "X-Chaos-Die-After"
Prepared = tuple[wire.Request, Callable[[], list[str]]]


class Failpoints(Attack):
    """``size`` is the step from one failpoint to the next: 1 takes every statement."""

    name = "Failpoints"
    sentence = "the process dies after the n-th statement, for every n; the request comes again"
    naive = ""

    def run(self) -> Round:
        made = Round()
        for prepare in (self._placing, self._paying, self._refunding, self._shipping):
            self._try_all(prepare, made)
        return made

    def _try_all(self, prepare: Callable[[], Prepared], made: Round) -> None:
        request, judge = prepare()
        answer = wire.call(self.address, request)
        made.violations += judge()
        what = prepare.__name__.strip("_")
        statements = int(answer.headers["X-Chaos-Statements"])
        made.answers[f"statements of {what}"] = statements
        for die_after in range(0, statements + 1, self.size):
            wrong = self._die_and_come_again(prepare, die_after, made)
            made.violations += [f"{what}, dead after {die_after}: {each}" for each in wrong]
            made.answers["deaths"] += 1

    def _die_and_come_again(
        self, prepare: Callable[[], Prepared], die_after: int, made: Round
    ) -> list[str]:
        request, judge = prepare()
        dying = replace(request, headers={DIE_AFTER: str(die_after)})
        lost = wire.call(self.address, dying)
        wrong = expect("an answer of the dead", lost.status, 0)
        self.shop.let_leases_run_out()
        for _ in range(MOST_TRIES):
            answer = wire.call(self.address, request)
            if answer.status:
                break
        made.answers[label(answer)] += 1
        self.shop.sweep()
        return wrong + judge()

    def _placing(self) -> Prepared:
        (buyer,) = self.shop.buyers(1)
        variant = self.shop.variant(stock=10)

        def judge() -> list[str]:
            return [
                *expect("orders", len(self.shop.orders_of(variant)), 1),
                *expect("units put aside", self.shop.level(variant).reserved, 2),
            ]

        return buyer.buy((variant, 2), key=uuid.uuid4().hex), judge

    def _paying(self) -> Prepared:
        (buyer,) = self.shop.buyers(1)
        order = self.shop.place(buyer, (self.shop.variant(stock=10), 2))
        body = {"order_id": order.number, "payment_method": "pm_card_visa"}

        def judge() -> list[str]:
            return [
                *expect("status", Order.objects.get(pk=order.pk).status, "paid"),
                *expect("payments", Payment.objects.filter(reference=order.number).count(), 1),
                *expect("captured there", _captured(order), [order.total_minor]),
            ]

        return buyer.post("/payments/", body, key=uuid.uuid4().hex), judge

    def _refunding(self) -> Prepared:
        (buyer,) = self.shop.buyers(1)
        payment = self.shop.pay(self.shop.place(buyer, (self.shop.variant(stock=10), 1)))
        path = f"/payments/{payment.pk}/refunds/"

        def judge() -> list[str]:
            refunds = list(Refund.objects.filter(payment=payment))
            there = SandboxIntent.objects.get(intent_id=payment.provider_reference)
            return [
                *expect("refunds", [refund.status for refund in refunds], ["succeeded"]),
                *expect("refunded there", there.refunded_minor, payment.amount_minor),
            ]

        body = {"reason": "sent back"}
        return self.shop.manager.post(path, body, key=uuid.uuid4().hex), judge

    def _shipping(self) -> Prepared:
        (buyer,) = self.shop.buyers(1)
        variant = self.shop.variant(stock=10)
        order = self.shop.place(buyer, (variant, 2))
        self.shop.pay(order)
        key = uuid.uuid4().hex
        wire.call(self.address, self.shop.manager.patch(f"/orders/{order.number}/", PROCESSING))

        def judge() -> list[str]:
            level = self.shop.level(variant)
            return [
                *expect("status", Order.objects.get(pk=order.pk).status, "shipped"),
                *expect("parcels", Shipment.objects.filter(reference=order.number).count(), 1),
                *expect("units left", (level.on_hand, level.reserved), (8, 0)),
            ]

        request = self.shop.manager.patch(f"/orders/{order.number}/", {"status": "shipped"})
        return replace(request, key=key), judge


PROCESSING = {"status": "processing"}


def _captured(order: Order) -> list[int]:
    intents = SandboxIntent.objects.filter(metadata__reference=order.number)
    return [intent.captured_minor for intent in intents]
