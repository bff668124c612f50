"""What one account may hold and try."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders.models import Order
from orders.tests.trade import buyer, client_of, pay, place, try_to_place

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.RATE_LIMITS = True
    settings.MAX_UNPAID_ORDERS = 2


def said(answer):
    return answer.status_code, answer.json().get("code")


def test_an_account_has_so_many_unpaid_orders_and_no_more():
    variant, customer = VariantFactory(), buyer()

    placed = [said(try_to_place(customer, (variant, 1))) for _ in range(3)]

    assert placed == [(201, None), (201, None), (409, "too_many_unpaid_orders")]
    assert Order.objects.count() == 2
    assert StockLevel.objects.get().reserved == 2
    assert said(try_to_place(buyer(), (variant, 1))) == (201, None)


def test_a_paid_a_cancelled_and_an_overdue_order_make_room():
    variant, customer = VariantFactory(), buyer()
    first, second = (place(customer, (variant, 1)) for _ in range(2))

    client_of(customer).post(f"/api/orders/{first.number}/cancel/")
    place(customer, (variant, 1))
    assert pay(second).status_code == 201
    place(customer, (variant, 1))
    assert said(try_to_place(customer, (variant, 1)))[0] == 409
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    place(customer, (variant, 1))


def test_coupons_tried_while_placing_count_with_those_tried_at_the_cart(settings):
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"coupon": "3/hour"}
    variant, customer = VariantFactory(), buyer()
    client_of(customer).post("/api/cart/coupon/", {"code": "NOPE0"})

    tries = [
        try_to_place(customer, (variant, 1), coupon=f"NOPE{number}").status_code
        for number in range(1, 4)
    ]

    assert 429 not in tries[:-1]
    assert tries[-1] == 429
    place(customer, (variant, 1))
