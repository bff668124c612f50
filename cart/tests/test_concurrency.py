"""Races for coupons on a real PostgreSQL."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cart.models import CouponTally, CouponUse
from cart.tests.factories import CouponFactory
from catalog.tests.factories import VariantFactory
from orders.models import Order
from orders.tests.test_concurrency import post, race
from orders.tests.trade import buyer, place

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("limit", [1, 10])
def test_twenty_buyers_use_a_coupon_as_often_as_it_may_be_used(limit):
    coupon, variant = CouponFactory(usage_limit=limit), VariantFactory(stock=50)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}], "coupon": coupon.code}
    buyers = [buyer() for _ in range(20)]

    answers = race([lambda user=user: post(user, "/api/orders/", body) for user in buyers])

    coupon.refresh_from_db()
    assert Counter(answers) == {201: limit, 409: 20 - limit}
    assert coupon.used_count == limit == CouponUse.objects.open().count()
    assert Order.objects.count() == limit


def test_one_customer_uses_a_coupon_once_in_twenty_tries():
    coupon, variant = CouponFactory(per_customer_limit=1), VariantFactory(stock=50)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}], "coupon": coupon.code}
    user = buyer()

    answers = race([lambda: post(user, "/api/orders/", body) for _ in range(20)])

    coupon.refresh_from_db()
    assert Counter(answers) == {201: 1, 409: 19}
    assert (coupon.used_count, CouponTally.objects.get().used_count) == (1, 1)


def test_ten_cancellations_at_once_give_one_use_back():
    coupon = CouponFactory()
    order = place(buyer(), (VariantFactory(), 1), coupon=coupon.code)
    place(buyer(), (VariantFactory(), 1), coupon=coupon.code)
    path = f"/api/orders/{order.number}/cancel/"

    race([lambda: post(order.customer, path) for _ in range(10)])

    coupon.refresh_from_db()
    assert coupon.used_count == 1 == CouponUse.objects.open().count()


def test_the_coupon_is_taken_after_the_order_and_before_the_stock():
    coupon, variant, user = CouponFactory(per_customer_limit=9), VariantFactory(), buyer()
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}], "coupon": coupon.code}

    with CaptureQueriesContext(connection) as queries:
        assert post(user, "/api/orders/", body) == 201
    order = Order.objects.get()
    with CaptureQueriesContext(connection) as more:
        assert post(user, f"/api/orders/{order.number}/cancel/") == 200

    placing = ['INSERT INTO "orders_order"', 'UPDATE "cart_coupon"', 'UPDATE "cart_coupontally"']
    ending = ['"orders_order"."number" =', 'UPDATE "cart_couponuse"', 'UPDATE "cart_coupon"']
    stock = 'UPDATE "inventory_stocklevel"'
    assert positions(queries, [*placing, stock]) == sorted(positions(queries, [*placing, stock]))
    assert positions(more, [*ending, stock]) == sorted(positions(more, [*ending, stock]))


def positions(queries, beginnings):
    """Return where in the queries each of the texts first occurs."""
    statements = [query["sql"] for query in queries]
    return [next(n for n, sql in enumerate(statements) if text in sql) for text in beginnings]
