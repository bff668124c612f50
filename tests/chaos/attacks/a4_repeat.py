"""A4: one cart, placed again and again."""

import uuid
from collections.abc import Sequence

from tests.chaos import wire
from tests.chaos.attack import Attack, count_of, expect
from tests.chaos.attacks.a3_cart import close_carts, fill_cart

TIMES = 50


class SameCart(Attack):
    name = "A4 same cart"
    sentence = "one cart placed 50 times at once, without a key: 1 order"
    naive = "a4"
    wanted = 1
    key = ""

    def prepare(self) -> list[wire.Request]:
        self.variant = self.shop.variant(stock=1000)
        (buyer,) = self.shop.buyers(1, group=self.name)
        close_carts([buyer])
        fill_cart(buyer, self.variant, 2)
        return [buyer.post("/orders/", key=self.key)] * TIMES

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        return [
            *expect("acknowledged", count_of(answers, 201), self.wanted),
            *expect("refusals", count_of(answers, 409), TIMES - self.wanted),
            *expect("orders", len(self.shop.orders_of(self.variant)), 1),
            *expect("units put aside", self.shop.level(self.variant).reserved, 2),
        ]


class SameCartAndKey(SameCart):
    name = "A4 same cart and key"
    sentence = "one cart placed 50 times at once with one key: 1 order, 50 identical answers"
    naive = "a4-key"
    wanted = TIMES

    def prepare(self) -> list[wire.Request]:
        self.key = uuid.uuid4().hex
        return super().prepare()

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        bodies = {answer.body for answer in answers}
        return super().judge(answers) + expect("different bodies", len(bodies), 1)


ATTACKS = (SameCart, SameCartAndKey)
