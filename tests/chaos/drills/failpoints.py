"""Placing, paying, refunding, shipping, each failing at every single one of its SQL statements.

Either the process dies after the statement, or an error is raised instead of it.
"""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from orders.models import Order
from payments.models import Payment, Refund, SandboxIntent
from shipping.models import Shipment
from tests.chaos import wire
from tests.chaos.attack import Drill, Round, expect, expect_true, label

MOST_TRIES = 30
DIE_AFTER, RAISE_AT = "X-Chaos-Die-After", "X-Chaos-Raise-At"
Prepared = tuple[wire.Request, Callable[[], list[str]]]


class Failpoints(Drill):
    """``size`` is the step from one failpoint to the next: 1 takes every statement.

    They come in random order, so that a run that breaks off has tried some of all.
    """

    name = "Failpoints"
    sentence = "death after the n-th statement, or an error at it; the request comes again"
    weight = 5

    @property
    def is_complete(self) -> bool:
        return self.done >= self.possible // self.size

    @property
    def extent(self) -> str:
        return f"{self.done} of {self.possible} points"

    def run(self) -> Round:
        made = Round()
        points: list[tuple[Callable[[], Prepared], str, int]] = []
        for prepare in (self._placing, self._paying, self._refunding, self._shipping):
            statements = self._count_statements(prepare, made)
            points += [(prepare, DIE_AFTER, n) for n in range(0, statements + 1)]
            points += [(prepare, RAISE_AT, n) for n in range(1, statements + 1)]
        self.possible = len(points)
        random.shuffle(points)
        for prepare, way, number in points[:: self.size]:
            if time.time() > self.until:
                break
            wrong = self._fail_and_come_again(prepare, {way: str(number)}, made)
            what = f"{prepare.__name__.strip('_')}, {way} {number}"
            made.violations += [f"{what}: {each}" for each in wrong]
            made.answers["deaths" if way == DIE_AFTER else "errors raised"] += 1
            self.done += 1
        return made

    def _count_statements(self, prepare: Callable[[], Prepared], made: Round) -> int:
        request, judge = prepare()
        answer = wire.call(self.address, request)
        made.violations += judge()
        statements = int(answer.headers["X-Chaos-Statements"])
        made.answers[f"statements of {prepare.__name__.strip('_')}"] = statements
        return statements

    def _fail_and_come_again(
        self, prepare: Callable[[], Prepared], failing: dict[str, str], made: Round
    ) -> list[str]:
        request, judge = prepare()
        first = wire.call(self.address, replace(request, headers=failing))
        # An error where it harms nobody (after the commit) may well be answered with a success.
        foreseen = {0} if DIE_AFTER in failing else {200, 201, 500}
        wrong = expect_true(f"first answer {first.status}", first.status in foreseen)
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
