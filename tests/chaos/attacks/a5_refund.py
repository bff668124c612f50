"""A5: all the money back, again and again."""

from collections.abc import Sequence

from payments.models import SandboxIntent
from tests.chaos import wire
from tests.chaos.attack import Attack, count_of, expect

TIMES = 20


class FullRefund(Attack):
    name = "A5 full refund"
    sentence = "the full refund asked for 20 times at once, without a key: 1 refund"
    naive = "a5"

    def prepare(self) -> list[wire.Request]:
        (buyer,) = self.shop.buyers(1)
        self.payment = self.shop.pay(self.shop.place(buyer, (self.shop.variant(stock=9), 1)))
        path = f"/payments/{self.payment.pk}/refunds/"
        return [self.shop.manager.post(path, {"reason": "sent back"})] * TIMES

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        self.payment.refresh_from_db()
        intent = SandboxIntent.objects.get(intent_id=self.payment.provider_reference)
        return [
            *expect("refunds accepted", count_of(answers, 201), 1),
            *expect("refusals", count_of(answers, 409), TIMES - 1),
            *expect("refunds written down", self.payment.refunds.count(), 1),
            *expect("refunded", self.payment.refunded_minor, self.payment.captured_minor),
            *expect("refunded there", intent.refunded_minor, intent.captured_minor),
        ]


ATTACKS = (FullRefund,)
