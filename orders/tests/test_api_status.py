"""An order's way from placed to delivered, or to its end."""

import pytest

from accounts.tests.factories import StaffFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders.models import Order
from orders.tests.trade import (
    buyer,
    client_of,
    manager,
    pay,
    place,
    place_and_pay,
    set_status,
)
from payments.models import Payment, Refund
from shipping.models import Shipment
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def stock_of(variant):
    level = StockLevel.objects.get(item_id=variant.stock_item_id)
    return level.on_hand, level.reserved


def test_an_order_goes_its_whole_way():
    user, variant = buyer(), VariantFactory(stock=5, price_minor=1000)
    order = place(user, (variant, 2))
    assert stock_of(variant) == (5, 2)

    assert pay(order).status_code in {200, 201}
    assert stock_of(variant) == (5, 2)
    assert set_status(order, "processing").status_code == 200
    assert set_status(order, "shipped").status_code == 200
    assert stock_of(variant) == (3, 0)
    response = set_status(order, "delivered")

    data = payload_of(response)
    assert (data["status"], data["payment_status"]) == ("delivered", "paid")
    assert data["fulfilment_status"] == "delivered"
    assert data["allowed_actions"] == ["return", "refund", "note"]
    (shipment,) = data["shipments"]
    assert shipment["status"] == "delivered"
    (payment,) = data["payments"]
    assert payment["amount"] == "20.00"
    assert payment["status"] == "succeeded"


@every_spelling
@pytest.mark.parametrize("method", ["put", "patch"])
def test_staff_set_the_status_in_any_case(prefix, ending, method):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))

    response = getattr(client_of(manager()), method)(
        f"{prefix}/orders/{order.number}{ending}", {"status": "PROCESSING"}, format="json"
    )

    assert payload_of(response, prefix)["status"] == "processing"


@pytest.mark.parametrize("prefix", ["/api", ""])
def test_the_other_name_of_setting_a_status(prefix):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))

    response = client_of(manager()).put(
        f"{prefix}/orders/edit/{order.pk}/", {"status": "Processing"}, format="json"
    )

    assert payload_of(response, prefix)["status"] == "processing"


def test_a_manager_records_money_that_came_another_way():
    order = place(buyer(), (VariantFactory(stock=5, price_minor=1000), 1))

    response = set_status(order, "paid")

    data = payload_of(response)
    assert (data["status"], data["payment_status"]) == ("paid", "paid")
    payment = Payment.objects.get(reference=order.number)
    assert (payment.provider, payment.captured_minor) == ("offline", 1000)


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("shipped", "cancelled, paid"),
        ("delivered", "cancelled, paid"),
        ("processing", "cancelled, paid"),
    ],
)
def test_what_the_state_forbids_names_what_it_allows(status, allowed):
    order = place(buyer(), (VariantFactory(stock=5), 1))

    response = set_status(order, status)

    assert (response.status_code, code_of(response)) == (409, "illegal_order_transition")
    assert response.json()["params"]["allowed"] == allowed
    order.refresh_from_db()
    assert order.status == "pending"


@pytest.mark.parametrize("status", ["shipped", "delivered", "paid"])
def test_a_paid_order_is_worked_on_before_it_ships(status):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))

    response = set_status(order, status)

    assert (response.status_code, code_of(response)) == (409, "illegal_order_transition")
    assert response.json()["params"]["allowed"] == "cancelled, processing"


@pytest.mark.parametrize("status", ["pending", "expired"])
def test_some_statuses_are_never_set_by_hand(status):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))

    response = set_status(order, status)

    assert (response.status_code, code_of(response)) == (409, "status_not_settable")


@pytest.mark.parametrize("body", [{}, {"status": "lost"}, {"status": None}, {"status": 3}, []])
def test_a_status_that_is_none_is_refused(body):
    order = place(buyer(), (VariantFactory(stock=5), 1))

    response = client_of(manager()).patch(f"/api/orders/{order.number}/", body, format="json")

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("role", "status", "answer"),
    [
        ("support", "processing", 403),
        ("support", "paid", 403),
        ("warehouse", "processing", 200),
        ("warehouse", "cancelled", 403),
        ("manager", "cancelled", 200),
    ],
)
def test_each_status_needs_its_permission(role, status, answer):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))

    response = set_status(order, status, StaffFactory(role=role))

    assert response.status_code == answer


def test_the_owner_sets_no_status():
    order = place(buyer(), (VariantFactory(stock=5), 1))

    response = set_status(order, "paid", order.customer)

    assert (response.status_code, code_of(response)) == (403, "permission_denied")
    order.refresh_from_db()
    assert order.status == "pending"


@every_spelling
def test_cancelling_an_unpaid_order_frees_its_stock(prefix, ending):
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 2))

    response = client_of(order.customer).post(f"{prefix}/orders/{order.number}/cancel{ending}")

    assert response.status_code == 200
    assert payload_of(response, prefix)["status"] == "cancelled"
    assert stock_of(variant) == (5, 0)


def test_cancelling_a_paid_order_sends_the_money_back():
    variant = VariantFactory(stock=5, price_minor=1000)
    order = place_and_pay(buyer(), (variant, 2))

    response = client_of(order.customer).post(f"/api/orders/{order.number}/cancel/")

    for answer in (response, client_of(order.customer).get(f"/api/orders/{order.number}/")):
        data = payload_of(answer)
        assert (data["status"], data["payment_status"]) == ("cancelled", "refunded")
    assert stock_of(variant) == (5, 0)
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.status) == (2000, "succeeded")


def test_an_order_is_cancelled_once():
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))
    client = client_of(order.customer)
    client.post(f"/api/orders/{order.number}/cancel/")

    response = client.post(f"/api/orders/{order.number}/cancel/")

    assert (response.status_code, code_of(response)) == (409, "illegal_order_transition")
    assert Refund.objects.count() == 1


def test_what_is_on_its_way_is_not_cancelled():
    variant = VariantFactory(stock=5)
    order = place_and_pay(buyer(), (variant, 1))
    set_status(order, "processing")
    set_status(order, "shipped")

    response = client_of(order.customer).post(f"/api/orders/{order.number}/cancel/")

    assert (response.status_code, code_of(response)) == (409, "illegal_order_transition")
    assert response.json()["params"]["allowed"] == "delivered"
    assert stock_of(variant) == (4, 0)
    assert not Refund.objects.exists()


def test_what_has_arrived_is_not_called_on_its_way():
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))
    for status in ("processing", "shipped", "delivered"):
        set_status(order, status)

    answers = [
        client_of(person).post(f"/api/orders/{order.number}/cancel/")
        for person in (order.customer, manager())
    ]

    for response in answers:
        assert (response.status_code, code_of(response)) == (409, "illegal_order_transition")
        assert response.json()["params"]["allowed"] == "nothing"
    order.refresh_from_db()
    assert order.status == "delivered"
    assert not Refund.objects.exists()


def test_a_cancelled_order_takes_no_payment():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    client_of(order.customer).post(f"/api/orders/{order.number}/cancel/")

    response = pay(order)

    assert response.status_code == 409
    assert not Payment.objects.filter(captured_minor__gt=0).exists()


def test_a_declined_card_leaves_the_order_waiting():
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 1))

    response = pay(order, "pm_card_chargeDeclined")

    assert response.status_code < 500
    order.refresh_from_db()
    assert (order.status, order.payment_status) == ("pending", "unpaid")
    assert stock_of(variant) == (5, 1)
    assert pay(order).status_code in {200, 201}
    order.refresh_from_db()
    assert order.status == "paid"


def test_another_customer_cannot_pay_it():
    order = place(buyer(), (VariantFactory(stock=5), 1))

    response = client_of(buyer()).post(
        "/api/payments/",
        {"order_id": order.number, "payment_method": "pm_card_visa"},
        format="json",
    )

    assert response.status_code == 404
    assert not Payment.objects.exists()


def test_a_parcel_may_hold_a_part_of_the_order():
    one, two = VariantFactory(stock=5), VariantFactory(stock=5)
    order = place_and_pay(buyer(), (one, 2), (two, 1))
    worker = client_of(StaffFactory(role="warehouse"))

    created = worker.post(
        "/api/shipping/shipments/",
        {"order": order.number, "lines": [{"sku": one.sku, "quantity": 1}]},
        format="json",
    )
    shipment = Shipment.objects.get(reference=order.number)
    worker.patch(f"/api/shipping/shipments/{shipment.pk}/", {"status": "shipped"}, format="json")

    assert created.status_code == 201
    data = payload_of(worker.get(f"/api/orders/{order.number}/"))
    assert (data["status"], data["fulfilment_status"]) == ("processing", "partially_shipped")
    assert stock_of(one) == (4, 1)
    assert stock_of(two) == (5, 1)
    assert set_status(order, "shipped").status_code == 200
    assert (stock_of(one), stock_of(two)) == ((3, 0), (4, 0))


def test_no_more_is_packed_than_was_bought():
    variant = VariantFactory(stock=5)
    order = place_and_pay(buyer(), (variant, 1))

    response = client_of(manager()).post(
        "/api/shipping/shipments/",
        {"order": order.number, "lines": [{"sku": variant.sku, "quantity": 2}]},
        format="json",
    )

    assert (response.status_code, code_of(response)) == (409, "not_left_to_ship")
    assert not Shipment.objects.exists()


def test_a_parcel_that_is_only_packed_does_not_keep_an_order_from_being_cancelled():
    variant = VariantFactory(stock=5)
    order = place_and_pay(buyer(), (variant, 2))
    client_of(manager()).post("/api/shipping/shipments/", {"order": order.pk}, format="json")
    assert (
        "cancel"
        in payload_of(client_of(order.customer).get(f"/api/orders/{order.pk}/"))["allowed_actions"]
    )

    response = client_of(order.customer).post(f"/api/orders/{order.number}/cancel/")

    assert payload_of(response)["status"] == "cancelled"
    assert Shipment.objects.get().status == "cancelled"
    assert stock_of(variant) == (5, 0)


def test_what_was_unpacked_can_be_packed_again():
    variant = VariantFactory(stock=5)
    order = place_and_pay(buyer(), (variant, 2))
    worker = client_of(StaffFactory(role="warehouse"))
    worker.post("/api/shipping/shipments/", {"order": order.number}, format="json")
    first = Shipment.objects.get()
    worker.patch(f"/api/shipping/shipments/{first.pk}/", {"status": "cancelled"}, format="json")

    response = set_status(order, "shipped")

    assert payload_of(response)["fulfilment_status"] == "shipped"
    assert stock_of(variant) == (3, 0)


def test_a_part_that_left_keeps_an_order_from_being_cancelled():
    variant = VariantFactory(stock=5)
    order = place_and_pay(buyer(), (variant, 2))
    worker = client_of(StaffFactory(role="warehouse"))
    worker.post(
        "/api/shipping/shipments/",
        {"order": order.number, "lines": [{"sku": variant.sku, "quantity": 1}]},
        format="json",
    )
    worker.patch(
        f"/api/shipping/shipments/{Shipment.objects.get().pk}/",
        {"status": "shipped"},
        format="json",
    )

    response = client_of(order.customer).post(f"/api/orders/{order.number}/cancel/")

    assert (response.status_code, code_of(response)) == (409, "already_shipped")
    order.refresh_from_db()
    assert order.status == "processing"
    assert not Refund.objects.exists()


def test_an_order_whose_money_went_back_is_not_shipped():
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))
    payment = Payment.objects.get(reference=order.number)
    client_of(manager()).post(f"/api/payments/{payment.pk}/refunds/", {}, format="json")
    set_status(order, "processing")

    response = set_status(order, "shipped")

    assert (response.status_code, code_of(response)) == (409, "not_shippable")
    assert not Shipment.objects.exists()


def test_what_is_held_leaves_by_the_ledger_even_if_it_is_not_counted_any_more():
    variant = VariantFactory(stock=5)
    order = place_and_pay(buyer(), (variant, 2))
    variant.stock_item.is_tracked = False
    variant.stock_item.save(update_fields=["is_tracked"])
    set_status(order, "processing")

    assert set_status(order, "shipped").status_code == 200

    assert stock_of(variant) == (3, 0)


def test_an_unpaid_order_is_not_packed():
    order = place(buyer(), (VariantFactory(stock=5), 1))

    response = client_of(manager()).post(
        "/api/shipping/shipments/", {"order": order.number}, format="json"
    )

    assert (response.status_code, code_of(response)) == (409, "not_shippable")
    assert Order.objects.get().status == "pending"
