"""The same order, payment and refund, a thousand times each with one key."""

import uuid
from collections.abc import Sequence

from orders.models import Order
from payments.models import Payment, SandboxIntent
from tests.chaos import wire
from tests.chaos.attack import Drill, Round, expect, label

AT_ONCE = 100
MOST_TRIES = 200


class Repeats(Drill):
    """Each duplicate that is told "in flight" asks again, as its Retry-After says."""

    name = "Repeats"
    sentence = "order, payment, refund: each sent so many times with one key: 1 effect, 1 answer"
    unit = "repeats of each"

    def run(self) -> Round:
        made = Round()
        (buyer,) = self.shop.buyers(1)
        variant = self.shop.variant(stock=self.size * 2)
        key = uuid.uuid4().hex
        placed = self._repeat(buyer.buy((variant, 1), key=key), made)
        order = Order.objects.get(number=placed["number"])
        body = {"order_id": order.number, "payment_method": "pm_card_visa"}
        self._repeat(buyer.post("/payments/", body, key=key), made)
        payment = Payment.objects.get(reference=order.number)
        path = f"/payments/{payment.pk}/refunds/"
        self._repeat(self.shop.manager.post(path, {"reason": "sent back"}, key=key), made)
        payment.refresh_from_db()
        intent = SandboxIntent.objects.get(intent_id=payment.provider_reference)
        made.violations += [
            *expect("orders", len(self.shop.orders_of(variant)), 1),
            *expect("captured", payment.captured_minor, order.total_minor),
            *expect("refunds", payment.refunds.count(), 1),
            *expect("captured there", intent.captured_minor, order.total_minor),
            *expect("refunded there", intent.refunded_minor, order.total_minor),
        ]
        return made

    def _repeat(self, request: wire.Request, made: Round) -> dict[str, str]:
        """Send it that often; note if there was more than one answer in the end."""
        answered: list[wire.Answer] = []
        for _ in range(MOST_TRIES):
            count = min(AT_ONCE, self.size - len(answered))
            answers = self.fire([request] * count)
            made.answers.update(map(label, answers))
            answered += [answer for answer in answers if answer.status == 201]
            if len(answered) == self.size:
                break
        made.violations += _differences(answered, self.size)
        self.done = len(answered)
        payload: dict[str, str] = answered[0].payload
        return payload


def _differences(answers: Sequence[wire.Answer], wanted: int) -> list[str]:
    return [
        *expect("repeats answered", len(answers), wanted),
        *expect("different answers", len({answer.body for answer in answers}), 1),
    ]
