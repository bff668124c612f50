"""A2: more buyers than a coupon has uses."""

from collections.abc import Sequence

from cart.models import CouponUse
from tests.chaos import wire
from tests.chaos.attack import Attack, count_of, expect


class _CouponRush(Attack):
    """Everybody has the code; each order asks for it."""

    naive = "a2"
    buyers = 100
    stock = 1000
    wanted = 1
    limits: dict[str, int] = {"usage_limit": 1}

    def prepare(self) -> list[wire.Request]:
        self.variant = self.shop.variant(stock=self.stock)
        self.coupon = self.shop.coupon(**self.limits)
        return [
            buyer.buy((self.variant, 1), coupon=self.coupon.code)
            for buyer in self.shop.buyers(self.buyers)
        ]

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        self.coupon.refresh_from_db()
        uses = CouponUse.objects.filter(coupon=self.coupon).count()
        return [
            *expect("orders acknowledged", count_of(answers, 201), self.wanted),
            *expect("refusals", count_of(answers, 409), len(answers) - self.wanted),
            *expect("uses counted", self.coupon.used_count, self.wanted),
            *expect("uses written down", uses, self.wanted),
            *expect("orders", len(self.shop.orders_of(self.variant)), self.wanted),
        ]


class SingleUse(_CouponRush):
    every, turn = 2, 1
    name = "A2 limit 1"
    sentence = "100 buyers, a coupon of one use: 1 order"


class TenUses(_CouponRush):
    every, turn = 6, 2
    name = "A2 limit 10"
    sentence = "100 buyers, a coupon of ten uses: 10 orders"
    limits = {"usage_limit": 10}
    wanted = 10


class OncePerCustomer(_CouponRush):
    every, turn = 6, 4
    name = "A2 per customer"
    sentence = "one customer places 60 orders with a once-per-customer coupon: 1 order"
    limits = {"per_customer_limit": 1}
    buyers = 60

    def prepare(self) -> list[wire.Request]:
        requests = super().prepare()
        return [requests[0]] * len(requests)


class FailedCheckouts(_CouponRush):
    every, turn = 6, 6
    name = "A2 failed checkouts"
    sentence = "100 buyers, ten uses, five units: 5 uses; who failed gave theirs back"
    limits = {"usage_limit": 10}
    stock = wanted = 5


ATTACKS = (SingleUse, TenUses, OncePerCustomer, FailedCheckouts)
