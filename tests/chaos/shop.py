"""The shop under attack, as its owner sees it: people, goods and time, prepared fast.

It speaks to the same database as the attacked server, through the services; no HTTP.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from django.utils.text import slugify

from accounts import services as accounts
from accounts import tokens
from accounts.models import Session, User
from accounts.services.sessions import Device
from cart.models import Coupon
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.models import Variant
from catalog.selectors import VariantReference
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders import services as orders
from orders.models import Order
from payments import services as payments
from payments.models import Payment
from shipping.models import Address
from shipping.tests.factories import ShippingMethodFactory
from shop_backend import background, invariants
from shop_backend.kernel import outbox
from shop_backend.kernel.models import IdempotencyKey, OutboxMessage
from tests.chaos.wire import Request

_TOKEN_SERVES = 240  # seconds of the ten minutes that an access token lives
_MOST_PASSES = 60


@dataclass
class Person:
    """Somebody with a session, and a token that is renewed before it expires."""

    user: User
    session: Session
    _token: str = ""
    _issued_at: float = -1e9

    @property
    def token(self) -> str:
        """A valid access token."""
        if time.monotonic() - self._issued_at > _TOKEN_SERVES:
            self._token = tokens.issue_access(self.session, now=timezone.now())
            self._issued_at = time.monotonic()
        return self._token

    def post(self, path: str, body: Any = None, *, key: str = "") -> Request:
        """Return a signed-in POST."""
        return Request("POST", f"/api{path}", body or {}, token=self.token, key=key)

    def delete(self, path: str) -> Request:
        """Return a signed-in DELETE."""
        return Request("DELETE", f"/api{path}", {}, token=self.token)

    def patch(self, path: str, body: Any) -> Request:
        """Return a signed-in PATCH."""
        return Request("PATCH", f"/api{path}", body, token=self.token)

    def buy(
        self, *wanted: tuple[Variant, int], key: str = "", coupon: str = "", note: str = ""
    ) -> Request:
        """Return the placing of an order for these units, without a cart."""
        items = [{"variant_id": variant.pk, "quantity": units} for variant, units in wanted]
        body: dict[str, Any] = {"items": items}
        if coupon:
            body["coupon"] = coupon
        if note:
            body["note"] = note
        return self.post("/orders/", body, key=key)


class Shop:
    """One database's shop; buyers are made once and buy again and again."""

    def __init__(self) -> None:
        self._people: defaultdict[str, list[Person]] = defaultdict(list)
        self._making = threading.RLock()  # the factories count without one
        TaxRateFactory()
        ShippingMethodFactory(code="chaos", price_minor=399)
        self.manager = self._person("chaos-manager", role="manager")
        self.admin = self._person("chaos-admin", role="admin")

    def buyers(self, count: int, *, group: str = "buyer") -> list[Person]:
        """Return so many customers with a default address each.

        :param group: whose carts are an attack's own business are nobody else's buyers.
        """
        with self._making:
            people = self._people[group]
            while len(people) < count:
                people.append(self._buyer(f"chaos-{slugify(group)}-{len(people)}"))
            return people[:count]

    def _buyer(self, username: str) -> Person:
        buyer = self._person(username, role="customer")
        Address.objects.create(
            user=buyer.user,
            default_for=buyer.user.pk,
            full_name="Bea Buyer",
            line1="1 Market Street",
            city="Manchester",
            postal_code="M1 1AE",
            country="GB",
        )
        return buyer

    def _person(self, username: str, *, role: str) -> Person:
        user = User.objects.create(
            username=username,
            email=f"{username}@example.org",
            email_verified_at=timezone.now(),
            password=make_password(None),  # nobody logs in: hashing hundreds would take minutes
            is_staff=role != "customer",
        )
        user.groups.add(Group.objects.get(name=role))
        pair = accounts.open_session(user=user, device=Device(), rotates=False)
        session = Session.objects.get(user=user)
        return Person(user, session, pair.access, time.monotonic())

    def variant(self, *, stock: int, price_minor: int = 1000) -> Variant:
        """Return something new on the shelf."""
        with self._making:
            made = VariantFactory(stock=stock, price_minor=price_minor)
        return made  # type: ignore[return-value]  # factory_boy is untyped

    def coupon(self, **limits: int) -> Coupon:
        """Return a new coupon."""
        with self._making:
            return CouponFactory(**limits)  # type: ignore[return-value]  # factory_boy is untyped

    def place(self, buyer: Person, *wanted: tuple[Variant, int]) -> Order:
        """Place an order at the service's door."""
        items = [
            orders.Item(reference=VariantReference(variant_id=variant.pk), quantity=units)
            for variant, units in wanted
        ]
        return orders.place_order(customer=buyer.user, items=items)

    def pay(self, order: Order) -> Payment:
        """Pay an order at the service's door."""
        return payments.start_payment(
            reference=order.number, customer=order.customer, payment_method="pm_card_visa"
        )

    def level(self, variant: Variant) -> StockLevel:
        """Return the variant's only level as it is now."""
        return StockLevel.objects.get(item_id=variant.stock_item_id)

    def orders_of(self, variant: Variant) -> list[Order]:
        """Return the orders that have this variant, oldest first."""
        return list(Order.objects.filter(lines__variant=variant).order_by("pk"))

    def overdue(self, placed: Sequence[Order]) -> None:
        """Let the holds of these orders have run out a moment ago."""
        past = timezone.now() - timedelta(seconds=1)
        Order.objects.filter(pk__in=[order.pk for order in placed]).update(expires_at=past)

    def let_leases_run_out(self) -> None:
        """Let the minute pass after which what a dead process had begun is taken up again."""
        past = timezone.now() - timedelta(seconds=1)
        IdempotencyKey.objects.exclude(leased_until=None).update(leased_until=past)
        OutboxMessage.objects.filter(sent_at=None).exclude(leased_until=None).update(
            leased_until=past
        )

    def sweep(self) -> None:
        """Make the worker's passes until nothing is left to do, without waiting for the clock."""
        self.let_leases_run_out()
        for _ in range(_MOST_PASSES):
            later = timezone.now() + timedelta(hours=2)
            done = outbox.deliver_due(limit=500, now=later)
            done += payments.apply_pending_events(limit=500)
            done += orders.expire_overdue_orders(now=timezone.now(), limit=500)
            if not done:
                break
        # Once: news that came before the ones they build on; those that fit nowhere stay.
        payments.apply_pending_events(limit=10_000, now=timezone.now() + timedelta(hours=2))
        payments.sync_open_payments(limit=10_000)
        background.run_once()

    def find_broken_invariants(self) -> list[str]:
        """Return each broken invariant with the first rows that break it."""
        found = [(each, each.find()) for each in invariants.ALL]
        return [
            f"{each.code} {each.sentence}: {', '.join(rows[:3])}" for each, rows in found if rows
        ]

    def deadlocks(self) -> int | None:
        """Return PostgreSQL's own count of deadlocks in this database, elsewhere ``None``."""
        if connection.vendor != "postgresql":
            return None
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
            return int(cursor.fetchone()[0])
