"""Races on a real PostgreSQL: each with a guard whose removal makes the test fail."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from cart.models import CartLine
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders import services
from orders.models import Order, Return
from orders.services import returning
from orders.tests.trade import (
    ask_back,
    buyer,
    manager,
    move_return,
    pay,
    place,
    place_and_deliver,
)
from payments import services as payments
from payments.models import MoneyMovement, Payment, ProviderEvent, Refund
from payments.providers.base import ProviderNews
from payments.providers.sandbox import SandboxProvider
from shipping.models import Shipment
from shop_backend import invariants
from shop_backend.kernel import outbox

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def race(jobs):
    """Run the jobs at once, each on its own connection; return their results."""
    barrier, results = threading.Barrier(len(jobs)), []

    def run(job):
        try:
            barrier.wait()
            results.append(job())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(jobs)
    return results


def post(user, path, body=None, **headers):
    client = APIClient()
    client.force_authenticate(user)
    return client.post(path, body or {}, format="json", headers=headers).status_code


def reserved(variant):
    return StockLevel.objects.get(item_id=variant.stock_item_id).reserved


def test_a_hundred_buyers_and_twenty_units_make_twenty_orders():
    """Ten at a time: some find it sold out at a glance, and some only by the stock's own UPDATE."""
    variant = VariantFactory(stock=20)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}]}
    queues = [[buyer() for _ in range(10)] for _ in range(10)]

    def buy(queue):
        return [post(user, "/api/orders/", body, **{"Idempotency-Key": "one"}) for user in queue]

    answers = race([lambda queue=queue: buy(queue) for queue in queues])

    assert Counter(code for codes in answers for code in codes) == {201: 20, 409: 80}
    assert Order.objects.count() == 20
    assert reserved(variant) == 20
    assert [each.sentence for each in invariants.ALL if each.find()] == []


def test_twenty_buyers_and_seven_units_make_seven_orders():
    variant = VariantFactory(stock=7)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}]}
    buyers = [buyer() for _ in range(20)]

    answers = race([lambda user=user: post(user, "/api/orders/", body) for user in buyers])

    assert Counter(answers) == {201: 7, 409: 13}
    assert (Order.objects.count(), reserved(variant)) == (7, 7)


def test_two_items_bought_in_opposite_order_do_not_deadlock():
    one, two = VariantFactory(stock=50), VariantFactory(stock=50)

    def body(first, second):
        return {"items": [{"variant_id": v.pk, "quantity": 1} for v in (first, second)]}

    buyers = [buyer() for _ in range(16)]
    bodies = [body(one, two) if n % 2 else body(two, one) for n in range(16)]

    answers = race(
        [
            lambda user=user, wanted=wanted: post(user, "/api/orders/", wanted)
            for user, wanted in zip(buyers, bodies, strict=True)
        ]
    )

    assert Counter(answers) == {201: 16}
    assert (reserved(one), reserved(two)) == (16, 16)


def test_one_cart_placed_ten_times_is_one_order():
    user, variant = buyer(), VariantFactory(stock=50)
    post(user, "/api/cart/", {"variant_id": variant.pk, "quantity": 2})

    answers = race([lambda: post(user, "/api/orders/") for _ in range(10)])

    assert Counter(answers) == {201: 1, 409: 9}
    assert (Order.objects.count(), reserved(variant)) == (1, 2)


def test_one_key_used_ten_times_at_once_is_one_order():
    user, variant = buyer(), VariantFactory(stock=50)
    body = {"items": [{"variant_id": variant.pk, "quantity": 2}]}

    answers = race(
        [lambda: post(user, "/api/orders/", body, **{"Idempotency-Key": "k"}) for _ in range(10)]
    )

    assert Counter(answers) == {201: 10}
    assert (Order.objects.count(), reserved(variant)) == (1, 2)


def test_two_first_adds_make_one_cart():
    user = buyer()
    variants = [VariantFactory(stock=5) for _ in range(8)]

    answers = race(
        [
            lambda v=v: post(user, "/api/cart/", {"variant_id": v.pk, "quantity": 1})
            for v in variants
        ]
    )

    assert Counter(answers) == {200: 8}
    assert user.carts.count() == 1
    assert user.carts.get().lines.count() == 8


def test_what_is_put_in_while_the_cart_is_ordered_is_never_lost():
    user = buyer()
    first, second = VariantFactory(stock=50), VariantFactory(stock=50)
    post(user, "/api/cart/", {"variant_id": first.pk, "quantity": 1})

    placed, added = race(
        [
            lambda: post(user, "/api/orders/"),
            lambda: post(user, "/api/cart/", {"variant_id": second.pk, "quantity": 1}),
        ]
    )

    assert {placed, added} == {201, 200}
    ordered = set(Order.objects.get().lines.values_list("variant_id", flat=True))
    in_cart = set(
        CartLine.objects.filter(cart__open_for=user.pk).values_list("variant_id", flat=True)
    )
    assert ordered | in_cart == {first.pk, second.pk}
    assert not ordered & in_cart


@pytest.mark.parametrize("round_number", range(5))
def test_paying_cancelling_and_expiring_at_once_leave_one_truth(round_number):
    variant = VariantFactory(stock=5, price_minor=900)
    order = place(buyer(), (variant, 2))
    later = timezone.now() + timedelta(hours=1)

    race(
        [
            lambda: pay(order).status_code,
            lambda: post(order.customer, f"/api/orders/{order.number}/cancel/"),
            lambda: services.expire_overdue_orders(now=later, limit=10),
        ]
    )

    order.refresh_from_db()
    kept = sum(p.captured_minor - p.refunded_minor for p in Payment.objects.all())
    assert order.status in {"paid", "cancelled", "expired"}
    assert kept == (order.total_minor if order.status == "paid" else 0)
    assert reserved(variant) == (2 if order.status == "paid" else 0)
    assert not Refund.objects.filter(status="failed").exists()


@pytest.mark.parametrize("round_number", range(4))
def test_webhook_question_cancellation_and_expiry_at_once_leave_books_that_agree(round_number):
    variant = VariantFactory(stock=5, price_minor=900)
    order = place(buyer(), (variant, 2))
    post(order.customer, "/api/payments/", {"order_id": order.number})
    payment = Payment.objects.get()
    intent = str(payment.provider_reference)
    SandboxProvider().confirm(
        provider_reference=intent, payment_method="pm_card_visa", idempotency_key="browser"
    )
    state = SandboxProvider().retrieve(provider_reference=intent)
    kept = [
        ProviderEvent.objects.create(
            provider="sandbox",
            event_id=f"evt_{number}",
            kind="payment_intent.succeeded",
            payload=ProviderNews(f"evt_{number}", "x", intent=state).to_payload(),
        )
        for number in range(3)
    ]
    later = timezone.now() + timedelta(hours=1)

    race(
        [
            *[lambda event=event: payments.try_to_apply_event(event_id=event.pk) for event in kept],
            lambda: payments.reconcile_payment(payment_id=payment.pk),
            payments.sync_open_payments,
            lambda: post(order.customer, f"/api/orders/{order.number}/cancel/"),
            lambda: services.expire_overdue_orders(now=later, limit=10),
        ]
    )
    for _ in range(3):
        outbox.deliver_due(limit=1000)

    order.refresh_from_db()
    held = sum(p.captured_minor - p.refunded_minor for p in Payment.objects.all())
    assert order.status in {"paid", "cancelled"}  # expired and then paid finds its goods
    assert held == (order.total_minor if order.status == "paid" else 0)
    assert MoneyMovement.objects.filter(kind="capture").count() == 1
    assert [each.sentence for each in invariants.ALL if each.find()] == []


@pytest.mark.parametrize("round_number", range(3))
def test_one_unit_asked_back_ten_times_at_once_is_in_one_return(round_number):
    order = place_and_deliver(buyer(), (VariantFactory(stock=5), 1))
    body = {"lines": [{"line_id": order.lines.get().pk, "quantity": 1}]}
    path = f"/api/orders/{order.number}/returns/"

    answers = race([lambda: post(order.customer, path, body) for _ in range(10)])

    assert Counter(answers) == {201: 1, 409: 9}
    assert Return.objects.count() == 1
    assert order.lines.get().returning_quantity == 1


def test_the_guard_alone_keeps_a_unit_out_of_a_second_return(monkeypatch):
    order = place_and_deliver(buyer(), (VariantFactory(stock=5), 1))
    body = {"lines": [{"line_id": order.lines.get().pk, "quantity": 1}]}
    path = f"/api/orders/{order.number}/returns/"
    barrier = threading.Barrier(2, timeout=10)

    def not_locked(*, number):
        found = Order.objects.get(number=number)
        list(found.lines.all())
        barrier.wait()  # both have read before either writes
        return found

    monkeypatch.setattr(returning, "lock_order", not_locked)
    answers = race([lambda: post(order.customer, path, body) for _ in range(2)])

    assert Counter(answers) == {201: 1, 409: 1}
    assert Return.objects.count() == 1


def test_a_return_received_and_restocked_ten_times_at_once_is_booked_once():
    variant, worker = VariantFactory(stock=5), manager()
    order = place_and_deliver(buyer(), (variant, 2))
    pk = ask_back(order, 2).json()["data"]["id"]
    for status in ("approved", "received"):
        jobs = [lambda s=status: move_return(order, pk, s, worker).status_code for _ in range(10)]
        assert Counter(race(jobs)) == {200: 1, 409: 9}

    answers = race(
        [lambda: move_return(order, pk, "restocked", worker).status_code for _ in range(10)]
    )

    assert Counter(answers) == {200: 1, 409: 9}
    assert StockLevel.objects.get(item_id=variant.stock_item_id).on_hand == 5
    assert order.lines.get().returned_quantity == 2


def test_a_return_locks_its_order_before_the_stock():
    order, worker = place_and_deliver(buyer(), (VariantFactory(stock=5), 1)), manager()
    pk = ask_back(order, 1).json()["data"]["id"]
    for status in ("approved", "received"):
        move_return(order, pk, status, worker)

    with CaptureQueriesContext(connection) as queries:
        move_return(order, pk, "restocked", worker)
    statements = [query["sql"] for query in queries if touches(query["sql"])]

    assert order_of(statements) == ["orders_order", "orders_return", "inventory_stocklevel"]


def test_locks_are_taken_in_the_one_order_of_the_house():
    user, variant = buyer(), VariantFactory(stock=5)
    post(user, "/api/cart/", {"variant_id": variant.pk, "quantity": 1})

    with CaptureQueriesContext(connection) as queries:
        post(user, "/api/orders/", **{"Idempotency-Key": "k"})
    placing = [query["sql"] for query in queries if touches(query["sql"])]
    order = Order.objects.get()
    pay(order)
    with CaptureQueriesContext(connection) as queries:
        post(user, f"/api/orders/{order.number}/cancel/")
    cancelling = [query["sql"] for query in queries if touches(query["sql"])]

    assert order_of(placing) == ["kernel_idempotencykey", "cart_cart", "inventory_stocklevel"]
    assert 'FROM "accounts_user"' in placing[0]  # the key's own statement locks it before the key
    assert "FOR KEY SHARE" in placing[0]
    # What follows the commit (the refund on its way) takes its own locks.
    stock = ["inventory_reservation", "inventory_stocklevel"]
    assert order_of(cancelling)[:4] == ["payments_payment", "orders_order", *stock]


def test_a_parcel_that_leaves_locks_its_order_first():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    pay(order)
    worker = manager()
    post(worker, "/api/shipping/shipments/", {"order": order.number})
    shipment = Shipment.objects.get()
    client = APIClient()
    client.force_authenticate(worker)

    with CaptureQueriesContext(connection) as queries:
        client.patch(f"/api/shipping/shipments/{shipment.pk}/", {"status": "shipped"})
    shipping = [query["sql"] for query in queries if touches(query["sql"])]

    stock = ["inventory_reservation", "inventory_stocklevel"]
    assert order_of(shipping) == ["orders_order", "shipping_shipment", *stock]


def touches(sql):
    takes = ('UPDATE "inventory_stocklevel"', 'INSERT INTO "kernel_idempotencykey"')
    return "FOR UPDATE" in sql or sql.startswith(takes)


def order_of(statements):
    tables = []
    for sql in statements:
        table = sql.split("FROM ")[1] if "FOR UPDATE" in sql else sql.removeprefix("UPDATE ")
        name = table.split('"')[1]
        if name not in tables:  # what is locked already is not taken again
            tables.append(name)
    return tables


def test_of_many_orders_placed_at_once_no_more_wait_for_money_than_the_limit_says(settings):
    settings.RATE_LIMITS, settings.MAX_UNPAID_ORDERS = True, 2
    customer, variant = buyer(), VariantFactory(stock=50)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}]}

    answers = race([lambda: post(customer, "/api/orders/", body) for _ in range(10)])

    assert Counter(answers) == {201: 2, 409: 8}
    assert Order.objects.count() == 2
