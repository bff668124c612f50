"""What must never be false about coupons and tax: the database itself forbids it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cart.models import Coupon, CouponTally, CouponUse, TaxRate
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.tests.factories import VariantFactory
from orders import services
from orders.models import Order
from orders.tests.trade import buyer, client_of, place, try_to_place

LIMIT, EACH = 3, 2


class Coupons(RuleBasedStateMachine):
    """One coupon, two customers, and orders that come and go."""

    def __init__(self):
        super().__init__()
        self.sid = transaction.savepoint()
        TaxRateFactory()
        self.coupon = CouponFactory(usage_limit=LIMIT, per_customer_limit=EACH)
        self.variant = VariantFactory(stock=500, price_minor=333)
        self.users = [buyer(), buyer()]
        self.open = {}

    def teardown(self):
        transaction.savepoint_rollback(self.sid)

    @rule(who=st.integers(0, 1), units=st.integers(1, 5))
    def place(self, who, units):
        mine = list(self.open.values()).count(who)
        response = try_to_place(
            self.users[who], (self.variant, units), coupon=self.coupon.code.lower()
        )
        has_room = len(self.open) < LIMIT and mine < EACH
        assert response.status_code == (201 if has_room else 409)
        if has_room:
            self.open[response.json()["data"]["number"]] = who

    @rule(which=st.integers(0, 9))
    def cancel(self, which):
        orders = list(Order.objects.order_by("pk"))
        if orders:
            order = orders[which % len(orders)]
            client_of(order.customer).post(f"/api/orders/{order.number}/cancel/")
            self.open.pop(order.number, None)

    @rule()
    def expire(self):
        later = timezone.now() + timedelta(days=1)
        services.expire_overdue_orders(now=later, limit=99)
        self.open.clear()

    @invariant()
    def uses_are_counted_exactly(self):
        self.coupon.refresh_from_db()
        assert self.coupon.used_count == len(self.open) <= LIMIT
        uses = CouponUse.objects.open()
        assert set(uses.values_list("reference", flat=True)) == set(self.open)
        for tally in CouponTally.objects.all():
            assert tally.used_count == uses.filter(customer_id=tally.customer_id).count() <= EACH

    @invariant()
    def shares_add_up(self):
        for order in Order.objects.prefetch_related("lines"):
            lines = list(order.lines.all())
            assert order.discount_minor == sum(line.discount_minor for line in lines)
            taxes = sum(line.tax_minor for line in lines)
            assert order.tax_minor == taxes + order.shipping_tax_minor


@pytest.mark.portable
class CouponsTest(TestCase):
    """The machine, within Django's test transaction."""

    def test_no_order_of_events_miscounts_a_coupon(self):
        run_state_machine_as_test(
            Coupons, settings=settings(max_examples=10, stateful_step_count=15, deadline=None)
        )


def refused(statement, *params):
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, params)


@pytest.mark.portable
@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "percent_basis_points = 0",
        "percent_basis_points = 10001",
        "percent_basis_points = NULL",
        "amount_minor = 5",
        "kind = 'fixed'",
        "kind = 'free_shipping'",
        "kind = 'gift'",
        "min_subtotal_minor = -1",
        "code = NULL",
        "starts_at = '2026-02-01', ends_at = '2026-01-01'",
    ],
)
def test_the_database_refuses_a_coupon_that_makes_no_sense(change):
    coupon = CouponFactory()

    refused(f"UPDATE cart_coupon SET {change} WHERE id = %s", coupon.pk)


@pytest.mark.portable
@pytest.mark.django_db
@pytest.mark.parametrize("change", ["rate_ppm = 1000001", "country = NULL"])
def test_the_database_refuses_a_rate_that_makes_no_sense(change):
    rate = TaxRateFactory()

    refused(f"UPDATE cart_taxrate SET {change} WHERE id = %s", rate.pk)


@pytest.mark.portable
@pytest.mark.django_db
def test_what_is_once_is_once():
    coupon = CouponFactory()
    order = place(buyer(), (VariantFactory(), 1), coupon=coupon.code)
    rate, now = TaxRateFactory(), order.placed_at

    refused(
        "INSERT INTO cart_coupontally (coupon_id, customer_id, used_count) VALUES (%s, %s, 1)",
        coupon.pk,
        order.customer_id,
    )
    refused(
        "INSERT INTO cart_couponuse (coupon_id, customer_id, reference, created_at)"
        " VALUES (%s, %s, %s, %s)",
        coupon.pk,
        order.customer_id,
        order.number,
        now,
    )
    refused(
        "INSERT INTO cart_taxrate (tax_class_id, country, region, rate_ppm, name)"
        " VALUES (%s, 'GB', '', 1, 'x')",
        rate.tax_class_id,
    )
    CouponFactory(code="TAKEN")
    refused("UPDATE cart_coupon SET code = 'TAKEN' WHERE id = %s", coupon.pk)


@pytest.mark.portable
@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders_order SET is_tax_included = NOT is_tax_included",
        "UPDATE orders_order SET tax_minor = tax_minor + 1, is_tax_included = %s",
        "UPDATE orders_order SET shipping_tax_minor = tax_minor + 1",
        "UPDATE orders_order SET shipping_tax_minor = -1",
        "UPDATE orders_orderline SET discount_minor = line_total_minor + 1",
        "UPDATE orders_orderline SET discount_minor = -1",
        "UPDATE orders_orderline SET tax_minor = -1",
    ],
)
def test_the_database_refuses_an_order_whose_tax_does_not_add_up(settings, statement):
    settings.PRICES_INCLUDE_TAX = False
    TaxRateFactory()
    place(buyer(), (VariantFactory(), 1))

    refused(statement, *([False] if "%s" in statement else []))


@pytest.mark.portable
@pytest.mark.django_db
def test_the_counters_of_the_books_can_be_proved_in_sql():
    coupon = CouponFactory(usage_limit=5)
    for _ in range(3):
        place(buyer(), (VariantFactory(), 1), coupon=coupon.code)

    counted = Coupon.objects.annotate(real=Count("uses", filter=Q(uses__released_at=None)))

    assert not counted.exclude(used_count=F("real")).exists()
    assert TaxRate.objects.count() == 0
