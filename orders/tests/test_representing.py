"""What is written out for speed says what the serializers of orders and payments say."""

from typing import Any

import orjson
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import User
from accounts.tests.factories import StaffFactory
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.tests.factories import VariantFactory
from orders import reading
from orders.models import Order, OrderNote, Return
from orders.serializers import OrderSerializer, OrderSummarySerializer
from orders.tests.trade import ask_back, buyer, client_of, manager, pay, place, set_status
from payments.models import Payment
from payments.serializers import PaymentSerializer
from shipping import selectors as shipping
from shop_backend.kernel import jsontext, pagination
from tests.faces import code_of, payload_of

# How far an order gets, one step after the other.
STEPS = ["declined", "paid", "processing", "shipped", "delivered", "return", "note"]


def as_json(payload: Any) -> Any:
    return orjson.loads(jsontext.dumps(payload))


class _Request:
    def __init__(self, user: User) -> None:
        self.user = user


def detail_by_serializer(order: Order, user: User) -> Any:
    """Return what the ordinary serializer says of the order as querysets read it."""
    order = Order.objects.with_lines().get(pk=order.pk)
    context = {
        "request": _Request(User.objects.get(pk=user.pk)),
        "payments": {
            order.number: list(
                Payment.objects.filter(reference=order.number).with_refunds().order_by("pk")
            )
        },
        "shipments": shipping.get_shipments(references=[order.number]),
        "returns": Return.objects.filter(order=order).with_lines().order_by("pk"),
        "notes": OrderNote.objects.filter(order=order).visible_to(user).order_by("pk"),
    }
    return as_json(OrderSerializer(order, context=context).data)


def go(order: Order, steps: int) -> None:
    worker = manager()
    for step in STEPS[:steps]:
        if step == "declined":
            pay(order, "pm_card_chargeDeclined")
        elif step == "paid":
            assert pay(order).status_code == 201
        elif step == "return":
            ask_back(order, 1)
        elif step == "note":
            OrderNote.objects.create(order=order, text="For us", author_id=worker.pk)
            OrderNote.objects.create(
                order=order, text="For you", author_id=worker.pk, is_internal=False
            )
        else:
            assert set_status(order, step, worker).status_code == 200


class TestAnyOrder(TestCase):
    @settings(max_examples=12, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(1, 99_999), st.integers(1, 3)), min_size=1, max_size=3),
        st.booleans(),
        st.booleans(),
        st.integers(0, len(STEPS)),
        st.booleans(),
    )
    def test_it_is_written_as_its_serializers_write_it(
        self, wanted, with_tax, with_coupon, steps, is_ended
    ):
        if with_tax:
            TaxRateFactory()
        body = {"coupon": CouponFactory().code} if with_coupon else {}
        user = buyer()
        variants = [(VariantFactory(price_minor=price), units) for price, units in wanted]
        order = place(user, *variants, **body)
        go(order, steps)
        if is_ended and steps < 4:
            client_of(user).post(f"/api/orders/{order.number}/cancel/")
        path = f"/api/orders/{order.number}/"

        for viewer in (user, StaffFactory(role="support")):
            client = client_of(viewer)
            assert payload_of(client.get(path)) == detail_by_serializer(order, viewer)
        (listed,) = payload_of(client_of(user).get("/api/orders/"))["results"]

        summary = OrderSummarySerializer(Order.objects.with_lines().get(pk=order.pk)).data
        assert listed == as_json(summary)
        for payment in Payment.objects.with_refunds():
            shown = payload_of(client_of(user).get(f"/api/payments/{payment.pk}/"))
            serialized = PaymentSerializer(payment, context={"request": _Request(user)}).data
            assert shown == as_json(serialized)


@pytest.mark.django_db
@pytest.mark.portable
def test_a_payment_that_was_started_is_answered_as_it_is_read():
    user = buyer()
    order = place(user, (VariantFactory(), 1))

    started = payload_of(pay(order))

    assert started == payload_of(client_of(user).get(f"/api/payments/{started['id']}/"))
    assert started["client_secret"]


@pytest.mark.django_db
@pytest.mark.portable
@pytest.mark.parametrize("name", ["0", "9" * 18, "9" * 19, "nobody", "R", "²"])
def test_what_names_no_order_of_ones_own_finds_none(name):
    place(buyer(), (VariantFactory(), 1))

    assert client_of(buyer()).get(f"/api/orders/{name}/").status_code == 404


@pytest.mark.django_db
@pytest.mark.portable
def test_a_removed_order_is_not_read():
    user = buyer()
    order = place(user, (VariantFactory(), 1))
    client = client_of(user)
    assert client.delete(f"/api/orders/{order.number}/").status_code == 200

    assert client.get(f"/api/orders/{order.number}/").status_code == 404
    assert payload_of(client.get("/api/orders/"))["results"] == []


@pytest.mark.django_db
@pytest.mark.portable
def test_no_orders_have_no_lines():
    assert reading.get_lines(order_ids=[]) == {}


@pytest.mark.django_db
@pytest.mark.portable
def test_a_plain_page_of_ones_own_is_the_page_that_the_ordinary_list_gives():
    user, another, variant = buyer(), buyer(), VariantFactory(stock=50)
    orders = [place(user, (variant, 1)) for _ in range(7)]
    place(another, (variant, 1))
    Order.objects.filter(pk=orders[2].pk).update(hidden_at=timezone.now())
    client = client_of(user)

    for page in ("", "page=1", "page=2&page_size=4", "page_size=6", "page_size=500"):
        plain = payload_of(client.get(f"/api/orders/?{page}"))
        ordinary = payload_of(client.get(f"/api/orders/?{page}&ordering=-placed_at"))
        assert plain["results"] == ordinary["results"]
        assert plain["count"] == ordinary["count"] == 6
        assert [bool(plain["next"]), bool(plain["previous"])] == [
            bool(ordinary["next"]),
            bool(ordinary["previous"]),
        ]
    assert client.get("/api/orders/?page=3&page_size=3").status_code == 404
    assert payload_of(client_of(buyer()).get("/api/orders/"))["count"] == 0


@pytest.mark.django_db
def test_orders_are_counted_up_to_the_cap_and_a_page_beyond_is_refused(monkeypatch):
    monkeypatch.setattr(pagination, "COUNT_CAP", 3)
    monkeypatch.setattr(reading, "COUNT_CAP", 3)
    user, variant = buyer(), VariantFactory(stock=50)
    for _ in range(5):
        place(user, (variant, 1))
    client = client_of(user)

    listed = payload_of(client.get("/api/orders/?page_size=2"))
    assert (listed["count"], listed["count_capped"]) == (3, True)
    assert client.get("/api/orders/?page_size=2&page=2").status_code == 200
    assert code_of(client.get("/api/orders/?page_size=2&page=3")) == "page_too_deep"


@pytest.mark.django_db
def test_staff_page_through_everybodys_orders():
    placed = {place(buyer(), (VariantFactory(), 1)).number for _ in range(2)}

    listed = payload_of(client_of(StaffFactory(role="support")).get("/api/orders/"))

    assert {order["number"] for order in listed["results"]} == placed
