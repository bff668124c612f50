"""Does the same to the shop and to the model, and compares all that can be seen of both."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from accounts.models import User
from cart import services as cart
from cart.models import Cart, CouponTally
from cart.tests.factories import CouponFactory
from catalog.models import Variant
from catalog.selectors import VariantReference
from catalog.tests.factories import VariantFactory
from inventory.models import Reservation, StockLevel
from orders import services as orders
from orders.models import Order, OrderLine, Return
from orders.tests.trade import buyer, manager
from payments import services as payments
from payments.models import Payment, SandboxIntent
from payments.providers.base import UnexpectedState
from payments.providers.sandbox import SandboxProvider
from shipping import services as shipping
from shipping.ports import ParcelLine
from shipping.tests.factories import ShippingMethodFactory
from shop_backend import invariants
from shop_backend.kernel import outbox, transactions
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money
from tests.state_machine import model

SKUS = ("MUG", "CAP", "BAG")
PRICES = (700, 333, 1250)
UNITS = 9
COUPON_LIMIT, PER_CUSTOMER = 3, 2
CARDS = {"good": "pm_card_visa", "declined": "pm_card_chargeDeclined", "none": None}
PAYMENT_STATUS = {"requires_payment_method": "open", "canceled": "canceled"}
any_number = st.integers(0, 99)
any_sku = st.sampled_from(SKUS)
any_customer = st.integers(0, 1)
some_units = st.dictionaries(any_sku, st.integers(1, 3), min_size=1)


class Stage:
    """The goods and people of all runs, made once; each run begins and ends with them so."""

    def __init__(self) -> None:
        self.customers = [buyer(), buyer()]
        self.manager = manager()
        self.variants: dict[str, Variant] = {
            sku: VariantFactory(sku=sku, stock=UNITS, price_minor=price)  # type: ignore[misc]  # factory_boy is untyped
            for sku, price in zip(SKUS, PRICES, strict=True)
        }
        self.coupon = CouponFactory(usage_limit=COUPON_LIMIT, per_customer_limit=PER_CUSTOMER)
        ShippingMethodFactory(price_minor=model.SHIPPING)


class ShopBesideItsModel(RuleBasedStateMachine):
    """``stage`` is set by the test that runs it."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self._savepoint = transaction.savepoint()
        self.numbers: list[str] = []
        shelves = {sku: model.Shelf(price, UNITS) for sku, price in zip(SKUS, PRICES, strict=True)}
        self.model = model.Shop(shelves, coupon_limit=COUPON_LIMIT, per_customer=PER_CUSTOMER)

    def teardown(self) -> None:
        try:
            self.hear()
            self.nothing_differs()
            self.nothing_is_kept_that_should_not_be()
            broken = [f"{each.code}: {rows}" for each in invariants.ALL if (rows := each.find())]
            assert broken == []
        finally:
            transaction.savepoint_rollback(self._savepoint)

    def has_orders(self) -> bool:
        return bool(self.model.orders)

    def has_payments(self) -> bool:
        return any(order.payments for order in self.model.orders)

    def has_returns(self) -> bool:
        return any(order.returns for order in self.model.orders)

    @initialize(
        begun=st.lists(st.tuples(some_units, st.booleans(), st.integers(0, 4)), max_size=4),
    )
    def open_with_some_orders(self, begun: list[tuple[dict[str, int], bool, int]]) -> None:
        """Begin in the midst of the trade: hypothesis takes long to get there by itself."""
        for wanted, with_coupon, moves in begun:
            self.fill_and_place(len(self.numbers) % 2, wanted, with_coupon)
            for _ in range(moves if self.numbers else 0):
                self.move_on(len(self.numbers) - 1)

    @precondition(has_orders)
    @rule(which=any_number)
    def move_on(self, which: int) -> None:
        """Do with an order what the trade does next."""
        order, _ = self._order(which)
        shipped = {sku: line.shipped for sku, line in order.lines.items() if line.shipped}
        if order.status == "pending":
            self.pay(which, "good")
        elif order.status in {"paid", "processing"}:
            self._ship(which, None if shipped else {sorted(order.lines)[0]: 1})
        elif order.status == "shipped":
            self.deliver(which)
        elif order.status == "delivered":
            self.ask_back(which, 1, len(order.lines))

    @rule(
        wanted=some_units,
        card=st.sampled_from(["declined", "none"]),
        end=st.sampled_from(["nothing", "by_hand", "cancelled", "overdue", "expired"]),
        is_heard=st.booleans(),
    )
    def pay_late(self, wanted: dict[str, int], card: str, end: str, *, is_heard: bool) -> None:
        """The customer opens the payment page, and pays there when the order may be over."""
        before = len(self.numbers)
        self.fill_and_place(0, wanted, with_coupon=len(wanted) > 1)
        if len(self.numbers) == before:
            return
        self.pay(before, card)
        if end == "by_hand":
            self.pay_by_hand(before)
        elif end == "cancelled":
            self.cancel(before)
        elif end in {"overdue", "expired"}:
            self.time_runs_out(before)
        if end == "expired":
            self.expire()
        self.confirm_in_browser(before)
        if is_heard:
            self.hear()

    @precondition(has_returns)
    @rule(which=any_number, good=st.integers(0, 3), bad=st.integers(0, 1))
    def move_a_return_on(self, which: int, good: int, bad: int) -> None:
        """Do with a return what comes next."""
        order, _, index = self._return(which)
        now = order.returns[index].status
        steps = {"requested": "approved", "approved": "received", "received": "restocked"}
        self.move_return(which, steps.get(now, "closed"), good, bad)

    # The cart

    @rule(customer=any_customer, sku=any_sku, quantity=st.integers(0, 4))
    def put(self, customer: int, sku: str, quantity: int) -> None:
        reference = VariantReference(variant_id=self.stage.variants[sku].pk)
        put = partial(
            cart.set_line, user=self._user(customer), reference=reference, quantity=quantity
        )
        assert told(put) == self.model.put(customer, sku, quantity)

    @precondition(lambda self: self.model.carts)
    @rule(customer=any_customer)
    def apply_coupon(self, customer: int) -> None:
        code = str(self.stage.coupon.code)
        apply = partial(cart.apply_coupon, user=self._user(customer), code=code)
        assert told(apply) == self.model.apply_coupon(customer)

    @precondition(lambda self: any(each.has_coupon for each in self.model.carts.values()))
    @rule(customer=any_customer)
    def remove_coupon(self, customer: int) -> None:
        remove = partial(cart.remove_coupon, user=self._user(customer))
        assert told(remove) == self.model.remove_coupon(customer)

    @rule(sku=any_sku, price=st.sampled_from([1, 333, 700, 1999]))
    def reprice(self, sku: str, price: int) -> None:
        Variant.objects.filter(pk=self.stage.variants[sku].pk).update(price_minor=price)
        self.model.reprice(sku, price)

    # The order

    @rule(customer=any_customer, wanted=some_units, with_coupon=st.booleans())
    def fill_and_place(self, customer: int, wanted: dict[str, int], with_coupon: bool) -> None:  # noqa: FBT001  # drawn by name
        for sku, quantity in wanted.items():
            self.put(customer, sku, quantity)
        if with_coupon:
            self.apply_coupon(customer)
        self.place(customer)

    @precondition(lambda self: self.model.carts)
    @rule(customer=any_customer)
    def place(self, customer: int) -> None:
        user, before = self._user(customer), len(self.model.orders)
        place = partial(orders.place_order, customer=user)
        ended = told(lambda: transactions.run(place, recover=orders.release_expired_holds))
        assert ended == self.model.place(customer)
        if len(self.model.orders) > before:
            self.numbers.append(Order.objects.order_by("-pk").values_list("number", flat=True)[0])

    @precondition(has_orders)
    @rule(which=any_number)
    def time_runs_out(self, which: int) -> None:
        order, number = self._order(which)
        if order.status == "pending":
            past = timezone.now() - timedelta(seconds=1)
            Order.objects.filter(number=number).update(expires_at=past)
            Reservation.objects.held().filter(reference=number).update(expires_at=past)
        self.model.run_out(order)

    @precondition(has_orders)
    @rule()
    def expire(self) -> None:
        orders.expire_overdue_orders(now=timezone.now(), limit=99)
        self.model.expire()

    @precondition(has_orders)
    @rule(which=any_number)
    def cancel(self, which: int) -> None:
        order, number = self._order(which)
        cancel = partial(orders.cancel_order, number=number, actor_id=None)
        assert told(cancel) == self.model.cancel(order)

    # Money

    @precondition(has_orders)
    @rule(which=any_number, card=st.sampled_from(sorted(CARDS)))
    def pay(self, which: int, card: str) -> None:
        order, number = self._order(which)
        pay = partial(
            payments.start_payment,
            reference=number,
            customer=self._user(order.customer),
            payment_method=CARDS[card],
        )
        assert told(pay) == self.model.pay(order, card)

    @precondition(has_payments)
    @rule(which=any_number)
    def confirm_in_browser(self, which: int) -> None:
        order, number = self._order(which)
        for payment in Payment.objects.filter(reference=number, provider="sandbox"):
            try:
                SandboxProvider().confirm(
                    provider_reference=str(payment.provider_reference),
                    payment_method="pm_card_visa",
                    idempotency_key=uuid.uuid4().hex,
                )
            except UnexpectedState:
                continue  # paid, or given up
        self.model.confirm_in_browser(order)

    @precondition(has_orders)
    @rule(which=any_number)
    def pay_by_hand(self, which: int) -> None:
        order, number = self._order(which)
        assert told(self._set_status(number, "paid")) == self.model.pay_by_hand(order)

    @precondition(has_payments)
    @rule(which=any_number, amount=st.sampled_from([None, 1, 399, 1000, 99_999]))
    def refund(self, which: int, amount: int | None) -> None:
        paid = [(number, index) for number, index in self._payments()]
        number, index = paid[which % len(paid)]
        payment = self._model_of(number).payments[index]
        refund = partial(
            payments.refund,
            payment_id=self._payments_of(number)[index].pk,
            amount=None if amount is None else Money(amount, "GBP"),
            reason="by hand",
            actor_id=self.stage.manager.pk,
            attempt_key=None,
        )
        assert told(refund) == self.model.refund(payment, amount)

    @precondition(has_orders)
    @rule()
    def hear(self) -> None:
        """What is under way arrives: mails, refunds, cancels, the provider's news."""
        later = timezone.now() + timedelta(hours=2)
        while outbox.deliver_due(limit=500, now=later):
            pass
        payments.apply_pending_events(limit=500, now=later)
        self.model.hear()

    # Goods

    @precondition(has_orders)
    @rule(which=any_number)
    def process(self, which: int) -> None:
        order, number = self._order(which)
        assert told(self._set_status(number, "processing")) == self.model.process(order)

    @precondition(has_orders)
    @rule(which=any_number, wanted=some_units)
    def ship_some(self, which: int, wanted: dict[str, int]) -> None:
        order, _ = self._order(which)
        of_it = {sku: units for sku, units in wanted.items() if sku in order.lines}
        self._ship(which, of_it or wanted)

    @precondition(has_orders)
    @rule(which=any_number)
    def ship_the_rest(self, which: int) -> None:
        self._ship(which, None)

    @precondition(has_orders)
    @rule(which=any_number)
    def deliver(self, which: int) -> None:
        order, number = self._order(which)
        assert told(self._set_status(number, "delivered")) == self.model.deliver(order)

    @precondition(has_orders)
    @rule(which=any_number, quantity=st.integers(1, 3), lines=st.integers(1, 3))
    def ask_back(self, which: int, quantity: int, lines: int) -> None:
        order, number = self._order(which)
        wanted = {sku: quantity for sku in sorted(order.lines)[:lines]}
        keys = dict(OrderLine.objects.filter(order__number=number).values_list("sku", "pk"))
        ask = partial(
            orders.ask_for_return,
            number=number,
            items=[orders.ReturnItem(keys[sku], units) for sku, units in wanted.items()],
            reason="",
            actor_id=self._user(order.customer).pk,
            now=timezone.now(),
        )
        assert told(ask) == self.model.ask_back(order, wanted)

    @precondition(has_returns)
    @rule(
        which=any_number,
        status=st.sampled_from(sorted(model.RETURN_STEPS)),
        good=st.integers(0, 3),
        bad=st.integers(0, 1),
    )
    def move_return(self, which: int, status: str, good: int, bad: int) -> None:
        order, number, index = self._return(which)
        real = Return.objects.filter(order__number=number).order_by("pk")[index]
        receipts = None
        if status == "received":
            receipts = [
                orders.Receipt(line.pk, min(good, line.quantity), min(bad, line.quantity - good))
                if good < line.quantity
                else orders.Receipt(line.pk, line.quantity, 0)
                for line in real.lines.all()
            ]
        move = partial(
            orders.move_return,
            number=number,
            return_id=real.pk,
            step=orders.ReturnStep(status, receipts),
            actor=self.stage.manager,
        )
        assert told(move) == self.model.move_return(order, order.returns[index], status, good, bad)

    # What can be seen

    @invariant()
    def nothing_differs(self) -> None:
        assert self._seen() == self._expected()

    def nothing_is_kept_that_should_not_be(self) -> None:
        """The provider, asked when all has arrived, holds what the model says."""
        there = SandboxIntent.objects.values_list("metadata__reference").annotate(
            kept=F("captured_minor") - F("refunded_minor")
        )
        kept: dict[str, int] = {}
        for number, amount in there:
            kept[number] = kept.get(number, 0) + amount
        wanted = {
            number: sum(p.captured - p.refunded for p in order.payments if p.there != "dead")
            for order, number in zip(self.model.orders, self.numbers, strict=True)
        }
        assert kept == {number: wanted[number] for number in kept}

    def _seen(self) -> dict[str, Any]:
        """Return all that the shop shows, in the model's words."""
        return {
            "shelves": {
                sku: (on_hand, reserved)
                for sku, on_hand, reserved in StockLevel.objects.values_list(
                    "item__sku", "on_hand", "reserved"
                )
            },
            "carts": {
                found.user_id: (
                    {line.variant_id: line.quantity for line in found.lines.all()},
                    found.coupon_id is not None,
                )
                for found in Cart.objects.exclude(open_for=None).prefetch_related("lines")
                if found.lines.all() or found.coupon_id
            },
            "uses": dict(
                CouponTally.objects.filter(used_count__gt=0).values_list(
                    "customer_id", "used_count"
                )
            ),
            "orders": list(
                Order.objects.order_by("pk").values_list(
                    "number",
                    "status",
                    "subtotal_minor",
                    "discount_minor",
                    "total_minor",
                    "captured_minor",
                    "refunded_minor",
                )
            ),
            "lines": set(
                OrderLine.objects.values_list(
                    "order__number",
                    "sku",
                    "quantity",
                    "shipped_quantity",
                    "returning_quantity",
                    "returned_quantity",
                )
            ),
            "payments": [
                (number, PAYMENT_STATUS.get(status, status), *amounts)
                for number, status, *amounts in Payment.objects.order_by(
                    "reference", "pk"
                ).values_list("reference", "status", "captured_minor", "refunded_minor")
            ],
            "returns": sorted(
                Return.objects.values_list("order__number", "status"),
            ),
        }

    def _expected(self) -> dict[str, Any]:
        shop, named = self.model, list(zip(self.numbers, self.model.orders, strict=True))
        variants = self.stage.variants
        return {
            "shelves": {sku: (each.on_hand, each.reserved) for sku, each in shop.shelves.items()},
            "carts": {
                self._user(customer).pk: (
                    {variants[sku].pk: units for sku, units in found.units.items()},
                    found.has_coupon,
                )
                for customer, found in shop.carts.items()
                if found.units or found.has_coupon
            },
            "uses": {self._user(who).pk: count for who, count in shop.uses.items() if count},
            "orders": [
                (
                    number,
                    order.status,
                    order.subtotal,
                    order.discount,
                    order.total,
                    order.captured,
                    order.refunded,
                )
                for number, order in named
            ],
            "lines": {
                (number, sku, line.quantity, line.shipped, line.returning, line.returned)
                for number, order in named
                for sku, line in order.lines.items()
            },
            "payments": [
                (number, payment.status, payment.captured, payment.refunded)
                for number, order in sorted(named, key=lambda pair: pair[0])
                for payment in order.payments
            ],
            "returns": sorted(
                (number, found.status) for number, order in named for found in order.returns
            ),
        }

    def _user(self, customer: int) -> User:
        return self.stage.customers[customer]

    def _order(self, which: int) -> tuple[model.Order, str]:
        index = which % len(self.numbers)
        return self.model.orders[index], self.numbers[index]

    def _return(self, which: int) -> tuple[model.Order, str, int]:
        found = [
            (order, number, index)
            for order, number in zip(self.model.orders, self.numbers, strict=True)
            for index in range(len(order.returns))
        ]
        return found[which % len(found)]

    def _model_of(self, number: str) -> model.Order:
        return self.model.orders[self.numbers.index(number)]

    def _payments(self) -> list[tuple[str, int]]:
        return [
            (number, index)
            for number, order in zip(self.numbers, self.model.orders, strict=True)
            for index in range(len(order.payments))
        ]

    def _payments_of(self, number: str) -> list[Payment]:
        return list(Payment.objects.filter(reference=number).order_by("pk"))

    def _set_status(self, number: str, status: str) -> Callable[[], object]:
        return partial(orders.set_status, number=number, status=status, actor=self.stage.manager)

    def _ship(self, which: int, wanted: dict[str, int] | None) -> None:
        order, number = self._order(which)
        lines = None
        if wanted is not None:
            lines = [ParcelLine(sku, units, "") for sku, units in wanted.items()]

        def pack_and_send() -> None:
            parcel = shipping.create_shipment(reference=number, lines=lines, actor_id=None)
            shipping.mark_shipped(shipment_id=parcel.pk, actor_id=None)

        assert told(pack_and_send) == self.model.ship(order, wanted)


def told(use_case: Callable[[], object]) -> str:
    """Return how it ended: well, or by the code of a refusal."""
    try:
        use_case()
    except ShopError as refusal:
        return refusal.code
    return model.OK
