"""A1: more buyers than units."""

from collections.abc import Sequence

from orders.models import Order
from tests.chaos import wire
from tests.chaos.attack import Attack, count_of, expect

STANDING = {Order.Status.PENDING, Order.Status.PAID}


class _Sale(Attack):
    """A sale of something of which there is less than is wanted."""

    naive = "a1"
    buyers = 100
    units = 10
    quantity = 1

    def prepare(self) -> list[wire.Request]:
        self.variant = self.shop.variant(stock=self.units)
        wanted = (self.variant, self.quantity)
        return [buyer.buy(wanted) for buyer in self.shop.buyers(self.buyers)]

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        wanted = min(self.buyers, self.units // self.quantity)
        return [
            *expect("orders acknowledged", count_of(answers, 201), wanted),
            *expect("refusals", count_of(answers, 409), len(answers) - wanted),
            *self.judge_stock(wanted),
        ]

    def judge_stock(self, wanted: int) -> list[str]:
        """Compare the orders that stand, and the units put aside, with what there was."""
        standing = [o for o in self.shop.orders_of(self.variant) if o.status in STANDING]
        reserved = self.shop.level(self.variant).reserved
        return [
            *expect("orders that stand", len(standing), wanted),
            *expect("units put aside", reserved, wanted * self.quantity),
        ]


class LastUnits(_Sale):
    name = "A1 last units"
    sentence = "200 buyers, 10 units: 10 orders"
    buyers = 200
    every, turn = 2, 1


class Quantity(_Sale):
    every, turn = 12, 2
    name = "A1 quantity 3"
    sentence = "60 buyers of 3, 31 units: 10 orders"
    buyers, units, quantity = 60, 31, 3


class OneBuyer(_Sale):
    every, turn = 12, 4
    name = "A1 one buyer"
    sentence = "one account buys 60 times at once, 10 units: 10 orders"
    buyers = 60

    def prepare(self) -> list[wire.Request]:
        self.variant = self.shop.variant(stock=self.units)
        (buyer,) = self.shop.buyers(1)
        return [buyer.buy((self.variant, 1)) for _ in range(self.buyers)]


class OppositeOrder(_Sale):
    every, turn = 12, 6
    name = "A1 opposite order"
    sentence = "80 buyers of two SKUs, named in opposite order, 10 of each: 10 orders"
    buyers = 80

    def prepare(self) -> list[wire.Request]:
        self.variant, self.other = (self.shop.variant(stock=self.units) for _ in range(2))
        one, two = (self.variant, 1), (self.other, 1)
        buyers = self.shop.buyers(self.buyers)
        return [b.buy(one, two) if n % 2 else b.buy(two, one) for n, b in enumerate(buyers)]

    def judge_stock(self, wanted: int) -> list[str]:
        reserved = self.shop.level(self.other).reserved
        return super().judge_stock(wanted) + expect("units of the other", reserved, wanted)


class Decrease(_Sale):
    every, turn = 12, 8
    name = "A1 stock decrease"
    sentence = "60 buyers against 10 corrections by -1, 20 units: nothing sold that is gone"
    buyers, units = 60, 20
    corrections = 10

    def prepare(self) -> list[wire.Request]:
        sale = super().prepare()
        body = {"sku": self.variant.sku, "location": "main", "delta": -1, "reason": "counted"}
        corrections = [
            self.shop.manager.post("/inventory/adjustments/", body) for _ in range(self.corrections)
        ]
        return _mixed(sale, corrections)

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        level = self.shop.level(self.variant)
        gone = self.units - level.on_hand
        accepted = count_of(answers, 201) + count_of(answers, 200)
        refused = count_of(answers, 409)
        return [
            *expect("orders and corrections accepted", accepted, self.units),
            *expect("refusals", refused, len(answers) - self.units),
            *self.judge_stock(self.units - gone),
        ]


class Cancel(_Sale):
    every, turn = 12, 10
    name = "A1 cancel"
    sentence = "10 units held, their orders cancelled while 60 buyers come: each unit sold once"
    buyers = 60

    def prepare(self) -> list[wire.Request]:
        sale = super().prepare()
        first = self.shop.buyers(self.buyers + self.units)[self.buyers :]
        self.held = [self.shop.place(buyer, (self.variant, 1)) for buyer in first]
        cancels = [
            buyer.post(f"/orders/{order.number}/cancel/")
            for buyer, order in zip(first, self.held, strict=True)
        ]
        return _mixed(sale, cancels)

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        # Whoever came before the cancel was refused, so the rest is sold to those who come now.
        late = self.fire([b.buy((self.variant, 1)) for b in self.shop.buyers(2 * self.units)])
        sold = count_of(answers, 201) + count_of(late, 201)
        return [
            *expect("cancels accepted", count_of(answers, 200), self.units),
            *expect("orders acknowledged", sold, self.units),
            *self.judge_stock(self.units),
        ]


class Expiry(_Sale):
    every, turn = 12, 12
    name = "A1 expiry"
    sentence = "10 units held by overdue orders, 60 buyers: 10 new orders"
    buyers = 60

    def prepare(self) -> list[wire.Request]:
        sale = super().prepare()
        first = self.shop.buyers(self.buyers + self.units)[self.buyers :]
        self.held = [self.shop.place(buyer, (self.variant, 1)) for buyer in first]
        return sale

    def fire(self, requests: Sequence[wire.Request]) -> list[wire.Answer]:
        with self.server.field:  # so that no other attack's sweep ends them first
            self.shop.overdue(self.held)
            return super().fire(requests)


def _mixed(many: list[wire.Request], few: list[wire.Request]) -> list[wire.Request]:
    """Spread the few evenly among the many."""
    step = len(many) // len(few) + 1
    mixed = list(many)
    for number, request in enumerate(few):
        mixed.insert(number * step, request)
    return mixed


ATTACKS = (LastUnits, Quantity, OneBuyer, OppositeOrder, Decrease, Cancel, Expiry)
