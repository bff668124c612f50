"""A7: the first things put into a cart that is not there yet."""

from collections.abc import Sequence

from cart.models import Cart
from tests.chaos import wire
from tests.chaos.attack import Attack, count_of, expect
from tests.chaos.attacks.a3_cart import close_carts


class FirstAdds(Attack):
    name = "A7 first adds"
    sentence = "12 customers without a cart add 4 things each at once: one cart each, 4 lines"
    naive = "a7"
    customers, things = 12, 4

    def prepare(self) -> list[wire.Request]:
        self.buyers = self.shop.buyers(self.customers, group=self.name)
        close_carts(self.buyers)
        variants = [self.shop.variant(stock=100) for _ in range(self.things)]
        return [
            buyer.post("/cart/", {"variant_id": variant.pk, "quantity": 1})
            for buyer in self.buyers
            for variant in variants
        ]

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        wrong = expect("adds accepted", count_of(answers, 200), len(answers))
        for buyer in self.buyers:
            carts = list(Cart.objects.filter(open_for=buyer.user.pk))
            wrong += expect("open carts", len(carts), 1)
            wrong += expect("lines", sum(cart.lines.count() for cart in carts), self.things)
        return wrong


ATTACKS = (FirstAdds,)
