"""A big shop to measure on: ``python -m tests.big_shop --orders 100000``.

Writes straight into the tables of the database that the environment names (DB_ENGINE, DB_NAME …),
which must be migrated and empty. Of its books, money ledger and recorded events are left out, so
``check_invariants`` names its payments (I8) and the histories without news (I14), and no more.
"""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_backend.settings")
django.setup()

from django.db import models, transaction
from django.utils import timezone
from tqdm import tqdm

from accounts.models import User
from cart.models import Coupon, CouponTally, CouponUse
from catalog.models import Product, Variant
from inventory.models import (
    Location,
    Reservation,
    StockItem,
    StockLevel,
    StockMovement,
)
from orders.models import Order, OrderEvent, OrderLine
from payments.models import Payment
from shipping.models import Shipment, ShipmentEvent, ShipmentLine

LINES = 3
PRICE = 1000
USERS = 1000
BATCH = 5000
NOW = timezone.now()
# How an order ended, by its number modulo ten.
FATES = ["delivered"] * 6 + ["paid"] * 2 + ["cancelled", "pending"]
STEPS = {
    "pending": ["placed:pending"],
    "cancelled": ["placed:pending", "cancelled:cancelled"],
    "paid": ["placed:pending", "payment_captured:pending", "paid:paid"],
}
STEPS["delivered"] = [
    *STEPS["paid"],
    "processing:processing",
    "shipped:shipped",
    "delivered:delivered",
]
RESERVATION = {"pending": "held", "paid": "held", "cancelled": "released", "delivered": "committed"}


def fate(order: int) -> str:
    return FATES[order % len(FATES)]


def number(order: int) -> str:
    return f"R{order:011d}"


def write(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    with tqdm(desc=model.__name__, unit="row", disable=None) as progress:
        waiting = iter(rows)
        while batch := list(islice(waiting, BATCH)):
            model._default_manager.bulk_create(batch)
            progress.update(len(batch))


class BigShop:
    """So many orders of three lines, over so many SKUs."""

    def __init__(self, orders: int, skus: int) -> None:
        self.orders, self.skus = range(1, orders + 1), range(1, skus + 1)

    def skus_of(self, order: int) -> list[int]:
        return [(order * LINES + line) % len(self.skus) + 1 for line in range(LINES)]

    def per_order(self, make: Callable[[int], Iterable[Any]]) -> Iterator[Any]:
        for order in self.orders:
            yield from make(order)

    def build(self) -> None:
        location = Location.objects.order_by("pk")[0]
        write(User, (User(pk=n, username=f"user{n}", password="!") for n in range(1, USERS + 1)))
        write(StockItem, (StockItem(pk=n, sku=f"SKU-{n}") for n in self.skus))
        write(Product, (Product(pk=n, name=f"Thing {n}", slug=f"thing-{n}") for n in self.skus))
        write(
            Variant,
            (
                Variant(pk=n, product_id=n, stock_item_id=n, sku=f"SKU-{n}", price_minor=PRICE)
                for n in self.skus
            ),
        )
        left, held = self._count()
        received = 10 + max(left.values(), default=0) + max(held.values(), default=0)
        write(
            StockLevel,
            (
                StockLevel(
                    pk=n,
                    item_id=n,
                    location=location,
                    on_hand=received - left[n],
                    reserved=held[n],
                )
                for n in self.skus
            ),
        )
        write(
            StockMovement,
            (StockMovement(level_id=n, kind="receipt", on_hand_delta=received) for n in self.skus),
        )
        write(Order, map(self._order, self.orders))
        write(OrderLine, self.per_order(self._lines))
        write(OrderEvent, self.per_order(self._events))
        write(Reservation, self.per_order(self._reservations))
        write(StockMovement, self.per_order(self._movements))
        write(Payment, self.per_order(self._payment))
        delivered = [order for order in self.orders if fate(order) == "delivered"]
        write(Shipment, map(self._shipment, delivered))
        write(ShipmentLine, (line for order in delivered for line in self._parcel(order)))
        write(
            ShipmentEvent,
            (
                ShipmentEvent(shipment_id=order, status=status)
                for order in delivered
                for status in ("packed", "shipped", "delivered")
            ),
        )
        self._coupons()

    def _count(self) -> tuple[Counter[int], Counter[int]]:
        left: Counter[int] = Counter()
        held: Counter[int] = Counter()
        for order in self.orders:
            if fate(order) == "delivered":
                left.update(self.skus_of(order))
            elif fate(order) in {"paid", "pending"}:
                held.update(self.skus_of(order))
        return left, held

    def _order(self, order: int) -> Order:
        is_paid = fate(order) in {"paid", "delivered"}
        return Order(
            pk=order,
            number=number(order),
            customer_id=order % USERS + 1,
            status=fate(order),
            currency="GBP",
            subtotal_minor=LINES * PRICE,
            total_minor=LINES * PRICE,
            is_tax_included=True,
            captured_minor=LINES * PRICE if is_paid else 0,
            expires_at=NOW + timedelta(days=30) if fate(order) == "pending" else None,
        )

    def _lines(self, order: int) -> Iterator[OrderLine]:
        for sku in self.skus_of(order):
            yield OrderLine(
                order_id=order,
                variant_id=sku,
                stock_item_id=sku,
                sku=f"SKU-{sku}",
                name=f"Thing {sku}",
                quantity=1,
                unit_price_minor=PRICE,
                line_total_minor=PRICE,
                shipped_quantity=int(fate(order) == "delivered"),
            )

    def _events(self, order: int) -> Iterator[OrderEvent]:
        for step in STEPS[fate(order)]:
            kind, status = step.split(":")
            yield OrderEvent(order_id=order, kind=kind, status=status)

    def _reservations(self, order: int) -> Iterator[Reservation]:
        for sku in self.skus_of(order):
            status = RESERVATION[fate(order)]
            yield Reservation(level_id=sku, reference=number(order), quantity=1, status=status)

    def _movements(self, order: int) -> Iterator[StockMovement]:
        ending = {"delivered": ("shipment", -1, -1), "cancelled": ("release", 0, -1)}
        steps = [("reservation", 0, 1)]
        steps += [ending[fate(order)]] if fate(order) in ending else []
        for sku in self.skus_of(order):
            for kind, on_hand, reserved in steps:
                yield StockMovement(
                    level_id=sku,
                    kind=kind,
                    on_hand_delta=on_hand,
                    reserved_delta=reserved,
                    reference=number(order),
                )

    def _payment(self, order: int) -> Iterator[Payment]:
        if fate(order) in {"paid", "delivered"}:
            yield Payment(
                reference=number(order),
                customer_id=order % USERS + 1,
                provider="offline",
                status="succeeded",
                amount_minor=LINES * PRICE,
                captured_minor=LINES * PRICE,
                currency="GBP",
            )

    def _shipment(self, order: int) -> Shipment:
        return Shipment(
            pk=order,
            reference=number(order),
            customer_id=order % USERS + 1,
            status="delivered",
            tracking_number=f"T{order}",
        )

    def _parcel(self, order: int) -> Iterator[ShipmentLine]:
        for sku in self.skus_of(order):
            yield ShipmentLine(shipment_id=order, sku=f"SKU-{sku}", name="Thing", quantity=1)

    def _coupons(self) -> None:
        used = [order for order in self.orders if order % 7 == 0]
        standing = [order for order in used if fate(order) != "cancelled"]
        Coupon.objects.create(
            pk=1, code="EVERYSEVENTH", kind="free_shipping", used_count=len(standing)
        )
        per_customer = Counter(order % USERS + 1 for order in standing)
        write(
            CouponTally,
            (
                CouponTally(coupon_id=1, customer_id=customer, used_count=count)
                for customer, count in per_customer.items()
            ),
        )
        write(
            CouponUse,
            (
                CouponUse(
                    coupon_id=1,
                    customer_id=order % USERS + 1,
                    reference=number(order),
                    released_at=NOW if fate(order) == "cancelled" else None,
                )
                for order in used
            ),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--skus", type=int, default=100_000)
    wanted = parser.parse_args()
    with transaction.atomic():
        BigShop(wanted.orders, wanted.skus).build()


if __name__ == "__main__":
    main()
