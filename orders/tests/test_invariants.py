"""What must never be false, whatever customers and workers do, in whatever order."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Sum
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from catalog.tests.factories import VariantFactory
from inventory.models import Reservation, StockLevel, StockMovement
from orders import services
from orders.models import Order, OrderEvent, OrderLine, Return, ReturnLine
from orders.tests.trade import (
    buyer,
    client_of,
    manager,
    move_return,
    pay,
    set_status,
    try_to_place,
)
from payments.models import Payment, Refund

OPEN = {"pending", "paid", "processing"}
START = 8


class Shop(RuleBasedStateMachine):
    """Two products, one customer, one manager; the model is a handful of dicts."""

    def __init__(self):
        super().__init__()
        self.sid = transaction.savepoint()
        self.user, self.worker = buyer(), manager()
        self.variants = [
            VariantFactory(stock=START, price_minor=700),
            VariantFactory(stock=START, price_minor=333),
        ]
        self.orders: dict[str, str] = {}
        self.units: dict[str, tuple[int, int]] = {}
        self.shipped = [0, 0]
        self.returns: dict[int, str] = {}
        self.restocked = [0, 0]

    def teardown(self):
        transaction.savepoint_rollback(self.sid)

    def free(self, index):
        held = sum(self.units[n][index] for n, s in self.orders.items() if s in OPEN)
        return START - self.shipped[index] + self.restocked[index] - held

    def pick(self, number):
        names = sorted(self.orders)
        return names[number % len(names)] if names else None

    @rule(first=st.integers(0, 5), second=st.integers(0, 5))
    def place(self, first, second):
        wanted = [(v, q) for v, q in zip(self.variants, (first, second), strict=True) if q]
        if not wanted:
            return
        response = try_to_place(self.user, *wanted)
        fits = first <= self.free(0) and second <= self.free(1)
        assert response.status_code == (201 if fits else 409)
        if fits:
            number = response.json()["data"]["number"]
            self.orders[number], self.units[number] = "pending", (first, second)

    @rule(which=st.integers(0, 99), card=st.sampled_from(["pm_card_visa", "4000000000000002"]))
    def pay(self, which, card):
        number = self.pick(which)
        if number is None:
            return
        response = pay(Order.objects.get(number=number), card)
        assert response.status_code < 500
        if self.orders[number] == "pending" and card == "pm_card_visa":
            self.orders[number] = "paid"

    @rule(which=st.integers(0, 99), status=st.sampled_from(["processing", "shipped", "delivered"]))
    def move(self, which, status):
        number = self.pick(which)
        if number is None:
            return
        response = set_status(Order.objects.get(number=number), status, self.worker)
        before = {"processing": "paid", "shipped": "processing", "delivered": "shipped"}[status]
        is_legal = self.orders[number] == before
        assert response.status_code == (200 if is_legal else 409)
        if is_legal:
            self.orders[number] = status
            if status == "shipped":
                for index in (0, 1):
                    self.shipped[index] += self.units[number][index]

    @rule(which=st.integers(0, 99))
    def cancel(self, which):
        number = self.pick(which)
        if number is None:
            return
        response = client_of(self.user).post(f"/api/orders/{number}/cancel/")
        is_legal = self.orders[number] in OPEN
        assert response.status_code == (200 if is_legal else 409)
        if is_legal:
            self.orders[number] = "cancelled"

    @rule(which=st.integers(0, 99), first=st.integers(0, 3), second=st.integers(0, 3))
    def ask_back(self, which, first, second):
        number = self.pick(which)
        wanted = {v.pk: q for v, q in zip(self.variants, (first, second), strict=True) if q}
        if number is None or not wanted:
            return
        order = Order.objects.get(number=number)
        lines = {line.variant_id: line for line in order.lines.all()}
        if not set(wanted) <= set(lines):
            return
        body = [{"line_id": lines[pk].pk, "quantity": q} for pk, q in wanted.items()]
        is_legal = self.orders[number] in {"shipped", "delivered"} and all(
            lines[pk].quantity - self.units_in_returns(lines[pk]) >= q for pk, q in wanted.items()
        )
        response = client_of(self.user).post(
            f"/api/orders/{number}/returns/", {"lines": body}, format="json"
        )
        assert response.status_code == (201 if is_legal else 409)
        if is_legal:
            self.returns[response.json()["data"]["id"]] = "requested"

    def units_in_returns(self, line):
        rows = ReturnLine.objects.filter(order_line=line).select_related("returned_in")
        units = 0
        for row in rows:
            status = self.returns[row.returned_in_id]
            if status in {"requested", "approved"}:
                units += row.quantity
            elif status in {"received", "restocked"}:
                units += row.good_quantity + row.damaged_quantity
        return units

    @rule(
        which=st.integers(0, 99),
        status=st.sampled_from(["approved", "rejected", "received", "restocked", "closed"]),
        lost=st.integers(0, 1),
        damaged=st.integers(0, 1),
    )
    def move_return(self, which, status, lost, damaged):
        if not self.returns:
            return
        pk = sorted(self.returns)[which % len(self.returns)]
        found = Return.objects.get(pk=pk)
        lines, said = list(found.lines.select_related("order_line")), {}
        if status == "received":
            said["lines"] = []
            for line in lines:
                came = line.quantity - lost
                bad = min(damaged, came)
                said["lines"].append({"line_id": line.pk, "good": came - bad, "damaged": bad})
        response = move_return(found.order, pk, status, self.worker, **said)
        before = {
            "approved": "requested",
            "rejected": "requested",
            "received": "approved",
            "closed": "approved",
            "restocked": "received",
        }[status]
        is_legal = self.returns[pk] == before
        assert response.status_code == (200 if is_legal else 409)
        if is_legal:
            self.returns[pk] = status
            if status == "restocked":
                for line in lines:
                    index = [v.pk for v in self.variants].index(line.order_line.variant_id)
                    self.restocked[index] += line.good_quantity

    @rule()
    def expire(self):
        services.expire_overdue_orders(now=timezone.now() + timedelta(days=1), limit=99)
        for number, status in self.orders.items():
            if status == "pending":
                self.orders[number] = "expired"

    @invariant()
    def statuses_are_the_models(self):
        assert dict(Order.objects.values_list("number", "status")) == self.orders

    @invariant()
    def stock_is_the_models(self):
        for index, variant in enumerate(self.variants):
            level = StockLevel.objects.get(item_id=variant.stock_item_id)
            assert level.on_hand == START - self.shipped[index] + self.restocked[index]
            assert level.on_hand - level.reserved == self.free(index)
            sums = StockMovement.objects.filter(level=level).aggregate(
                on_hand=Sum("on_hand_delta"), reserved=Sum("reserved_delta")
            )
            assert (sums["on_hand"], sums["reserved"]) == (level.on_hand, level.reserved)
            held = Reservation.objects.held().filter(level=level)
            assert held.units() == level.reserved

    @invariant()
    def lines_count_what_is_in_returns(self):
        assert dict(Return.objects.values_list("pk", "status")) == self.returns
        for line in OrderLine.objects.all():
            in_returns = line.returning_quantity + line.returned_quantity
            assert in_returns == self.units_in_returns(line)

    @invariant()
    def money_is_kept_exactly_for_what_is_bought(self):
        for order in Order.objects.all():
            kept = order.captured_minor - order.refunded_minor
            is_bought = order.status in {"paid", "processing", "shipped", "delivered"}
            assert kept == (order.total_minor if is_bought else 0)
        assert not Payment.objects.filter(refunded_minor__gt=F("captured_minor")).exists()
        assert not Refund.objects.exclude(status="succeeded").exists()

    @invariant()
    def the_history_ends_at_the_present(self):
        for order in Order.objects.all():
            assert order.events.order_by("-pk").values_list("status", flat=True)[0] == order.status


class ShopThatSold(Shop):
    """The same shop, opened with an order that was shipped already."""

    def __init__(self):
        super().__init__()
        self.place(3, 2)
        self.pay(0, "pm_card_visa")
        for status in ("processing", "shipped"):
            self.move(0, status)
        self.ask_back(0, 1, 1)


@pytest.mark.portable
class ShopTest(TestCase):
    """The machine, within Django's test transaction."""

    def test_no_order_of_events_breaks_the_shop(self):
        run_state_machine_as_test(
            Shop, settings=settings(max_examples=15, stateful_step_count=20, deadline=None)
        )

    def test_no_order_of_returns_breaks_the_shop(self):
        run_state_machine_as_test(
            ShopThatSold, settings=settings(max_examples=15, stateful_step_count=20, deadline=None)
        )


@pytest.fixture
def order():
    user, variant = buyer(), VariantFactory(stock=5, price_minor=700)
    number = try_to_place(user, (variant, 2)).json()["data"]["number"]
    return Order.objects.get(number=number)


@pytest.mark.portable
@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"total_minor": 1},
        {"subtotal_minor": -1, "total_minor": -1},
        {"shipping_minor": 1},
        {"refunded_minor": 1},
        {"number": None},
    ],
)
def test_the_database_refuses_an_order_that_does_not_add_up(order, change):
    with pytest.raises(DatabaseError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**change)


@pytest.mark.portable
@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", [{"quantity": 0}, {"line_total_minor": 1}, {"shipped_quantity": 3}]
)
def test_the_database_refuses_a_line_that_does_not_add_up(order, change):
    with pytest.raises(DatabaseError), transaction.atomic():
        OrderLine.objects.filter(order=order).update(**change)


@pytest.mark.portable
@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE orders_orderevent SET kind = 'x'", "DELETE FROM orders_orderevent"]
)
def test_the_database_refuses_to_rewrite_history(order, statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert OrderEvent.objects.get().kind == "placed"


@pytest.mark.portable
@pytest.mark.django_db
def test_the_database_refuses_a_second_order_of_a_cart(order):
    user, variant = buyer(), VariantFactory(stock=5)
    client = client_of(user)
    client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")
    client.post("/api/orders/", {}, format="json")
    carted = Order.objects.get(customer=user)

    with pytest.raises(DatabaseError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(cart=carted.cart)
