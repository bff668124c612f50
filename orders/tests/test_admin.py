"""Orders in the admin: looked at, and moved by the services alone."""

import csv
import io

import pytest
from django.urls import reverse

from accounts.tests.factories import StaffFactory, UserFactory
from cart.models import Cart
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.tests.factories import VariantFactory
from orders.models import Order, OrderEvent, OrderLine
from orders.tests.trade import (
    buyer,
    client_of,
    place,
    place_and_deliver,
    place_and_pay,
    set_status,
)
from shipping.models import Shipment
from shop_backend.kernel import admin as kernel_admin
from shop_backend.kernel import admin_columns
from tests.client import ShopClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def url_of(model, page, *arguments):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("model", [Order, OrderLine, OrderEvent, Cart])
def test_every_page_opens_and_none_can_be_edited(worker, model):
    variant = VariantFactory(stock=5)
    user = buyer()
    client_of(user).post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")
    client_of(user).post("/api/orders/", {}, format="json")
    row = model.objects.first()

    assert worker.get(url_of(model, "changelist")).status_code == 200
    page = worker.get(url_of(model, "change", row.pk))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert worker.get(url_of(model, "add")).status_code == 403
    assert worker.post(url_of(model, "delete", row.pk)).status_code == 403


def test_money_is_shown_as_money(worker):
    order = place(buyer(), (VariantFactory(stock=5, price_minor=1234), 1))

    page = worker.get(url_of(Order, "change", order.pk)).content.decode()

    assert "12.34 GBP" in page
    assert "_minor<" not in page


def test_the_coupon_and_the_tax_of_each_line_and_of_the_order_are_shown(worker):
    TaxRateFactory()
    CouponFactory(code="SPRING")
    variant = VariantFactory(stock=5, price_minor=1200)
    order = place(buyer(), (variant, 2), coupon="SPRING")

    page = worker.get(url_of(Order, "change", order.pk)).content.decode()

    assert "SPRING" in page
    assert page.count("VAT 20 %: 3.60 GBP") == 2  # of the line, and of the order


def test_an_order_is_moved_on_by_an_action(worker):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))
    for action, status in (("start_processing", "processing"), ("ship", "shipped")):
        worker.post(url_of(Order, "changelist"), {"action": action, "_selected_action": [order.pk]})
        order.refresh_from_db()
        assert order.status == status


def test_an_action_that_the_state_forbids_says_so(worker):
    order = place(buyer(), (VariantFactory(stock=5), 1))

    page = worker.post(
        url_of(Order, "changelist"), {"action": "ship", "_selected_action": [order.pk]}, follow=True
    )

    assert b"cannot become shipped" in page.content
    order.refresh_from_db()
    assert order.status == "pending"


def test_the_list_takes_the_same_queries_for_one_and_for_ten(worker, django_assert_max_num_queries):
    variant = VariantFactory(stock=50)
    place(buyer(), (variant, 1))
    with django_assert_max_num_queries(15) as one:
        worker.get(url_of(Order, "changelist"))
    for _ in range(9):
        place(buyer(), (variant, 1))

    with django_assert_max_num_queries(15) as ten:
        worker.get(url_of(Order, "changelist"))

    assert len(ten) == len(one)


def page_of(order, name):
    return reverse(f"admin:orders_order_{name}", args=[order.pk])


def signed_in(role):
    client = ShopClient()
    client.force_login(StaffFactory(role=role))
    return client


def send(client, path, body):
    return client.post(path, body, format="multipart", follow=True)


def test_an_order_is_moved_on_from_its_page():
    order, client = place(buyer(), (VariantFactory(stock=5), 1)), signed_in("manager")
    asked = client.get(page_of(order, "move_on")).content.decode()
    assert "Paid: the money was received outside" in asked
    assert "Shipped" not in asked

    send(client, page_of(order, "move_on"), {"status": "paid"})

    order.refresh_from_db()
    assert order.status == "paid"


def test_a_link_alone_moves_nothing():
    order, client = place_and_pay(buyer(), (VariantFactory(stock=5), 1)), signed_in("manager")

    client.get(page_of(order, "move_on"), {"status": "cancelled"})
    client.get(page_of(order, "pack"))

    order.refresh_from_db()
    assert order.status == "paid"
    assert not Shipment.objects.exists()


def test_a_step_that_the_state_forbids_is_refused_on_the_page():
    order, client = place(buyer(), (VariantFactory(stock=5), 1)), signed_in("manager")

    response = send(client, page_of(order, "move_on"), {"status": "delivered"})

    assert b"not one of the available choices" in response.content
    order.refresh_from_db()
    assert order.status == "pending"


def test_a_parcel_is_packed_from_the_orders_page():
    mug, bowl = VariantFactory(stock=5), VariantFactory(stock=5)
    order, client = place_and_pay(buyer(), (mug, 2), (bowl, 1)), signed_in("warehouse")
    first, second = order.lines.order_by("pk")

    body = {f"units_{first.pk}": 1, f"units_{second.pk}": 0, "carrier": "Royal Mail"}
    send(client, page_of(order, "pack"), body)

    shipment = Shipment.objects.get()
    assert shipment.carrier == "Royal Mail"
    assert [(line.sku, line.quantity) for line in shipment.lines.all()] == [(mug.sku, 1)]
    page = client.get(page_of(order, "change")).content.decode()
    assert shipment.tracking_number in page


@pytest.mark.parametrize("units", [0, 3, -1, "x", ""])
def test_a_parcel_of_nothing_or_of_more_than_is_left_is_refused(units):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 2))
    body = {f"units_{order.lines.get().pk}": units}

    response = send(signed_in("warehouse"), page_of(order, "pack"), body)

    assert response.status_code == 200
    assert not Shipment.objects.exists()


def test_what_the_service_refuses_stands_on_the_page():
    order = place(buyer(), (VariantFactory(stock=5), 2))
    body = {f"units_{order.lines.get().pk}": 1}

    page = send(signed_in("warehouse"), page_of(order, "pack"), body).content.decode()

    assert 'role="alert"' in page
    assert not Shipment.objects.exists()


@pytest.mark.parametrize(("role", "page"), [("support", "pack"), ("customer", "move_on")])
def test_a_page_is_closed_to_roles_without_its_permission(role, page):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 2))
    client = signed_in(role)

    assert client.get(page_of(order, page)).status_code == 403
    assert send(client, page_of(order, page), {}).status_code == 403


def test_a_page_of_no_order_is_not_there():
    client = signed_in("manager")

    for name in ("move_on", "pack"):
        assert client.get(reverse(f"admin:orders_order_{name}", args=[999])).status_code == 404


def test_the_warehouse_sees_parcels_and_no_payments():
    order = place_and_pay(buyer(), (VariantFactory(stock=5, price_minor=1234), 2))

    warehouse = signed_in("warehouse").get(page_of(order, "change")).content.decode()
    manager = signed_in("manager").get(page_of(order, "change")).content.decode()

    assert "24.68 GBP succeeded" in manager
    assert "24.68 GBP succeeded" not in warehouse
    assert "Parcels" in warehouse


def test_a_downloaded_sheet_holds_what_customers_wrote_as_texts_and_amounts_as_numbers(worker):
    user = buyer()
    formulas = [
        '=HYPERLINK("http://127.0.0.1/";"Ann")',
        " +1+1",
        "@SUM(1)",
        "\tx",
        "－1",
        'a"b\n=1',
    ]
    for formula in formulas:
        order = place(user, (VariantFactory(stock=5, price_minor=1234), 1))
        Order.objects.filter(pk=order.pk).update(full_name=formula)

    page = worker.post(
        url_of(Order, "changelist"),
        {"action": "as_csv", "_selected_action": list(Order.objects.values_list("pk", flat=True))},
    )

    assert page.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    text = b"".join(page.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    guarded = [f"'{formula}" for formula in formulas[:-1]]
    assert [row["name"] for row in rows] == [*guarded, "a\"b\n'=1"]
    assert {row["total"] for row in rows} == {"12.34"}
    assert rows[0]["email"] == user.email


def choose(client, order, **more):
    body = {"action": "cancel", "_selected_action": [order.pk], **more}
    return send(client, reverse("admin:orders_order_changelist"), body)


def test_orders_are_cancelled_in_bulk_only_after_a_second_look():
    order, client = place_and_pay(buyer(), (VariantFactory(stock=5), 1)), signed_in("manager")

    asked = choose(client, order).content.decode()

    assert "Cancel these orders, and send back what was paid?" in asked
    assert f"{order.number}, paid, {order.total}" in asked
    order.refresh_from_db()
    assert order.status == "paid"

    choose(client, order, confirmed="1")

    order.refresh_from_db()
    assert order.status == "cancelled"
    assert order.refunded_minor == order.captured_minor > 0


def test_more_orders_than_a_person_looks_through_are_not_cancelled_at_once(monkeypatch):
    monkeypatch.setattr(kernel_admin, "_MOST_CONFIRMED", 0)
    order, client = place(buyer(), (VariantFactory(stock=5), 1)), signed_in("manager")

    answer = choose(client, order).content.decode()

    assert "Choose at most 0 at a time." in answer
    order.refresh_from_db()
    assert order.status == "pending"


@pytest.mark.parametrize(
    ("status", "moves", "packs"),
    [("pending", True, False), ("paid", True, True), ("cancelled", False, False)],
)
def test_an_orders_page_offers_what_its_state_allows(status, moves, packs):
    order, client = place(buyer(), (VariantFactory(stock=5), 1)), signed_in("manager")
    if status != "pending":
        set_status(order, status)

    page = client.get(page_of(order, "change")).content.decode()

    assert (page_of(order, "move_on") in page) is moves
    assert (page_of(order, "pack") in page) is packs


def test_a_delivered_order_offers_nothing_to_do():
    order, client = place_and_deliver(buyer(), (VariantFactory(stock=5), 1)), signed_in("manager")

    page = client.get(page_of(order, "change")).content.decode()

    assert page_of(order, "move_on") not in page
    assert page_of(order, "pack") not in page


def test_an_orders_history_is_told_in_words_with_amounts_and_names():
    customer = buyer()
    order = place(customer, (VariantFactory(stock=5, price_minor=1145), 1))

    page = signed_in("manager").get(page_of(order, "change")).content.decode()

    assert "total: 11.45 GBP" in page
    assert "total_minor" not in page
    assert "Actor id" not in page
    assert page.count(customer.username) >= 2  # who ordered, and who did what is in the history


def test_details_of_an_event_are_told_whatever_their_shape():
    data = {"amount_minor": 5, "lines": [{"sku": "A", "quantity": 2}], "why": {"code": "x"}}

    assert admin_columns.tell(data, "GBP") == (
        "amount: 0.05 GBP, lines: sku: A, quantity: 2, why: (code: x)"
    )
