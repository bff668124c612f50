"""The admin's first page: what a shop worker needs to know, and no more than their role may."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from orders.models import Order
from orders.tests.trade import buyer, place, place_and_pay
from payments.models import Payment
from shop_backend.kernel.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def page_of(user):
    client = Client()
    client.force_login(user)
    response = client.get(reverse("admin:index"))
    assert response.status_code == 200
    return response.content.decode()


def root():
    return UserFactory(is_staff=True, is_superuser=True)


def test_an_empty_shop_has_a_first_page():
    page = page_of(root())

    for calm in ("Nobody is late.", "Nobody has waited for 2 days.", "Everything was delivered."):
        assert calm in page


def test_everything_that_waits_for_somebody_is_there():
    now = timezone.now()
    variant = VariantFactory(stock=50, price_minor=1250)
    overdue, stuck = place(buyer(), (variant, 1)), place_and_pay(buyer(), (variant, 1))
    doubtful = place_and_pay(buyer(), (variant, 1))
    scarce = VariantFactory(stock=1)
    Order.objects.filter(pk=overdue.pk).update(expires_at=now - timedelta(minutes=1))
    Order.objects.filter(pk=stuck.pk).update(placed_at=now - timedelta(days=3))
    Payment.objects.filter(reference=doubtful.number).update(review_reason="amount_mismatch")
    failed = OutboxMessage.objects.create(kind="accounts.send_mail", dead_at=now, last_error="X")

    page = page_of(root())

    assert overdue.number in page
    assert stuck.number in page
    assert "amount_mismatch" in page
    assert f"accounts.send_mail #{failed.pk}" in page
    assert scarce.sku in page
    assert variant.sku not in page


def test_an_order_that_may_still_wait_is_no_news():
    variant = VariantFactory(stock=50)
    pending, paid = place(buyer(), (variant, 1)), place_and_pay(buyer(), (variant, 1))

    page = page_of(root())

    assert pending.number not in page
    assert paid.number not in page


def test_the_revenue_of_thirty_days_is_what_was_kept():
    variant = VariantFactory(stock=50, price_minor=1250)
    place_and_pay(buyer(), (variant, 2))
    earlier = place_and_pay(buyer(), (variant, 1))
    too_early = place_and_pay(buyer(), (variant, 1))
    place(buyer(), (variant, 9))
    now = timezone.now()
    Order.objects.filter(pk=earlier.pk).update(placed_at=now - timedelta(days=29))
    Order.objects.filter(pk=too_early.pk).update(placed_at=now - timedelta(days=31))

    page = page_of(root())

    [data] = re.findall(r'data-value="([^"]+)"', page)
    line = json.loads(unescape(data))["datasets"][0]["data"]
    assert len(line) == 30
    assert (line[0], line[-1]) == ("12.50", "25.00")
    assert "37.50 GBP" in page


def test_the_first_page_costs_the_same_in_a_busy_shop(django_assert_max_num_queries):
    user, variant = root(), VariantFactory(stock=100)
    client = Client()
    client.force_login(user)
    with django_assert_max_num_queries(15) as quiet:
        client.get(reverse("admin:index"))
    for _ in range(10):
        order = place(buyer(), (variant, 1))
        Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - timedelta(hours=1))
        OutboxMessage.objects.create(kind="accounts.send_mail", dead_at=timezone.now())

    with django_assert_max_num_queries(15) as busy:
        client.get(reverse("admin:index"))

    assert len(busy) == len(quiet)


@pytest.mark.parametrize(
    ("role", "sees", "misses"),
    [
        (
            "support",
            ["Orders today", "Revenue", "Payments to review", "Reviews to approve"],
            ["Low stock", "Failed"],
        ),
        (
            "warehouse",
            ["Low stock", "Orders today"],
            ["Revenue", "Payments to", "Reviews to", "Failed mails"],
        ),
        ("manager", ["Revenue", "Low stock", "Payments to review"], ["Failed mails"]),
        ("admin", ["Revenue", "Low stock", "Failed mails"], []),
        ("customer", ["What you may work with"], ["Orders today", "Revenue", "Low stock"]),
    ],
)
def test_each_role_sees_what_it_may(role, sees, misses):
    page = page_of(StaffFactory(role=role))

    assert [text for text in sees if text not in page] == []
    assert [text for text in misses if text in page] == []


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("orders_order", "attention=overdue"),
        ("orders_order", "attention=unshipped"),
        ("inventory_stockitem", "stock=low"),
        ("payments_payment", "review=open"),
        ("catalog_review", "status__exact=pending"),
        ("kernel_outboxmessage", "state=dead"),
        ("kernel_outboxmessage", "state=waiting"),
        ("kernel_outboxmessage", "state=sent"),
    ],
)
def test_the_lists_behind_the_panels_open(model, query):
    place_and_pay(buyer(), (VariantFactory(stock=50), 1))
    client = Client()
    client.force_login(root())

    response = client.get(f"{reverse(f'admin:{model}_changelist')}?{query}")

    assert response.status_code == 200


def test_nothing_on_the_page_comes_from_elsewhere():
    page = page_of(root())

    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', page)
    assert loaded
    assert [address for address in loaded if not address.startswith("/")] == []


def test_todays_number_worth_and_list_are_of_the_same_orders():
    variant = VariantFactory(stock=50, price_minor=1000)
    kept, unpaid = place_and_pay(buyer(), (variant, 1)), place(buyer(), (variant, 2))
    called_off, earlier = place(buyer(), (variant, 3)), place(buyer(), (variant, 4))
    Order.objects.filter(pk=called_off.pk).update(status="cancelled")
    Order.objects.filter(pk=earlier.pk).update(placed_at=timezone.now() - timedelta(days=1))
    client = Client()
    client.force_login(root())

    page = client.get(reverse("admin:index"))

    today = page.context["today"]
    assert (today.orders, today.unpaid, str(today.value)) == (2, 1, "30.00 GBP")
    listed = client.get(page.context["orders_link"]).context["cl"].queryset
    assert {order.pk for order in listed} == {kept.pk, unpaid.pk}
    waiting = client.get(page.context["unpaid_link"]).context["cl"].queryset
    assert [order.pk for order in waiting] == [unpaid.pk]
