"""Placing an order, as a client sees it."""

import pytest

from cart.models import Cart
from catalog.tests.factories import ProductFactory, VariantFactory
from inventory.models import Reservation, StockLevel, StockMovement
from orders.models import Order, OrderEvent
from orders.tests.trade import buyer, client_of, place, try_to_place
from shipping.tests.factories import AddressFactory, ShippingMethodFactory
from tests.client import ShopClient
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

ADDRESS = {
    "full_name": "Grace Hopper",
    "line1": "2 Yard Lane",
    "city": "London",
    "postal_code": "SW1A 1AA",
    "country": "gb",
}


def level_of(variant):
    return StockLevel.objects.get(item_id=variant.stock_item_id)


def nothing_happened(variant):
    level = level_of(variant)
    kinds = StockMovement.objects.filter(level=level).values_list("kind", flat=True)
    return (
        not Order.objects.exists()
        and not Reservation.objects.exists()
        and level.reserved == 0
        and set(kinds) <= {"receipt", "adjustment"}
    )


@every_spelling
@pytest.mark.parametrize("path", ["/orders", "/orders/new"])
def test_items_become_an_order_that_holds_their_stock(prefix, ending, path):
    user, variant = buyer(), VariantFactory(stock=5, price_minor=1250)

    response = client_of(user).post(
        f"{prefix}{path}{ending}",
        {"items": [{"product_id": variant.product_id, "quantity": 2}]},
        format="json",
    )

    assert response.status_code == 201
    data = payload_of(response, prefix)
    assert data["status"] == "pending"
    assert data["payment_status"] == "unpaid"
    assert data["fulfilment_status"] == "unfulfilled"
    assert (data["subtotal"], data["total"], data["currency"]) == ("25.00", "25.00", "GBP")
    assert data["lines"][0]["sku"] == variant.sku
    assert data["lines"][0]["unit_price"] == "12.50"
    assert data["shipping_address"]["country"] == "GB"
    assert data["allowed_actions"] == ["pay", "cancel"]
    assert data["expires_at"] is not None
    assert level_of(variant).reserved == 2
    assert level_of(variant).on_hand == 5


def test_the_cart_becomes_an_order_and_is_empty_afterwards():
    user, variant = buyer(), VariantFactory(stock=5, price_minor=300)
    client = client_of(user)
    client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 3}, format="json")

    response = client.post("/api/orders/", {}, format="json")

    assert response.status_code == 201
    assert payload_of(response)["total"] == "9.00"
    assert payload_of(client.get("/api/cart/"))["items"] == []
    assert level_of(variant).reserved == 3


def test_an_empty_cart_is_no_order():
    response = client_of(buyer()).post("/api/orders/", {}, format="json")

    assert (response.status_code, code_of(response)) == (409, "cart_empty")
    assert not Order.objects.exists()


def test_an_empty_list_of_items_never_means_the_cart():
    user, variant = buyer(), VariantFactory(stock=5)
    client = client_of(user)
    client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")

    response = client.post("/api/orders/", {"items": []}, format="json")

    assert response.status_code == 400
    assert nothing_happened(variant)
    assert Cart.objects.filter(open_for=user.pk).exists()


def test_the_same_cart_is_ordered_once():
    user, variant = buyer(), VariantFactory(stock=5)
    client = client_of(user)
    client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")

    first = client.post("/api/orders/", {}, format="json")
    second = client.post("/api/orders/", {}, format="json")

    assert (first.status_code, second.status_code) == (201, 409)
    assert Order.objects.count() == 1


def test_more_than_there_is_holds_nothing():
    variant = VariantFactory(stock=2)

    response = try_to_place(buyer(), (variant, 3))

    assert (response.status_code, code_of(response)) == (409, "insufficient_stock")
    assert response.json()["params"] == {"sku": variant.sku, "requested": 3, "available": 2}
    assert nothing_happened(variant)


def test_a_shortage_on_one_line_reserves_nothing_on_the_others():
    plenty, short = VariantFactory(stock=9), VariantFactory(stock=0)

    response = try_to_place(buyer(), (plenty, 1), (short, 1))

    assert response.status_code == 409
    assert nothing_happened(plenty)


def test_a_repeated_item_cannot_get_around_the_stock_limit():
    variant = VariantFactory(stock=3)

    response = try_to_place(buyer(), (variant, 2), (variant, 2))

    assert (response.status_code, code_of(response)) == (409, "insufficient_stock")
    assert nothing_happened(variant)


def test_a_repeated_item_is_one_line():
    variant = VariantFactory(stock=5, price_minor=200)

    order = place(buyer(), (variant, 2), (variant, 1))

    assert [(line.quantity, line.line_total_minor) for line in order.lines.all()] == [(3, 600)]


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "two", None, True, 10_001, 2**63, 1e300])
def test_a_quantity_that_is_none_is_refused(quantity):
    variant = VariantFactory(stock=5)

    response = try_to_place(buyer(), (variant, quantity))

    assert response.status_code == 400
    assert nothing_happened(variant)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"quantity": 1},
        {"product_id": 1, "variant_id": 1, "quantity": 1},
        {"product_id": None, "quantity": 1},
        {"product_id": [1], "quantity": 1},
        {"product_id": "", "quantity": 1},
        {"variant_id": 2**70, "quantity": 1},
        {"sku": "x" * 65, "quantity": 1},
        "lantern",
        7,
    ],
)
def test_an_item_that_names_nothing_is_refused(item):
    response = client_of(buyer()).post("/api/orders/", {"items": [item]}, format="json")

    assert response.status_code == 400
    assert response.json()["code"] == "validation_error"


def test_what_is_not_there_cannot_be_ordered():
    response = client_of(buyer()).post(
        "/api/orders/", {"items": [{"product_id": 987654321, "quantity": 1}]}, format="json"
    )

    assert (response.status_code, code_of(response)) == (404, "product_not_found")


def test_a_draft_cannot_be_ordered():
    variant = VariantFactory(stock=5, product=ProductFactory(status="draft"))

    response = try_to_place(buyer(), (variant, 1))

    assert (response.status_code, code_of(response)) == (404, "product_not_found")
    assert nothing_happened(variant)


@pytest.mark.parametrize("name", ["price", "unit_price", "total", "status", "user_id", "customer"])
def test_prices_totals_owners_and_statuses_from_the_client_are_ignored(name):
    user, variant = buyer(), VariantFactory(stock=5, price_minor=1000)

    order = place(user, (variant, 1), **{name: "1"})

    assert (order.total_minor, order.status, order.customer) == (1000, "pending", user)


def test_a_typed_address_is_the_one_on_the_order():
    variant = VariantFactory(stock=5)

    order = place(buyer(), (variant, 1), shipping_address=ADDRESS)

    assert (order.full_name, order.line1, order.country) == ("Grace Hopper", "2 Yard Lane", "GB")


def test_a_strangers_address_is_not_there():
    theirs, variant = AddressFactory(), VariantFactory(stock=5)

    response = try_to_place(buyer(), (variant, 1), address_id=theirs.pk)

    assert (response.status_code, code_of(response)) == (404, "address_not_found")
    assert nothing_happened(variant)


def test_something_that_is_shipped_needs_an_address():
    user, variant = buyer(), VariantFactory(stock=5)
    user.addresses.all().delete()

    response = try_to_place(user, (variant, 1))

    assert (response.status_code, code_of(response)) == (400, "address_required")
    assert nothing_happened(variant)


def test_a_download_needs_no_address_and_no_stock():
    user, variant = buyer(), VariantFactory(stock=0, price_minor=500)
    user.addresses.all().delete()
    variant.stock_item.is_tracked = False
    variant.stock_item.save(update_fields=["is_tracked"])
    ShippingMethodFactory(price_minor=399)

    order = place(user, (variant, 4))

    assert (order.total_minor, order.shipping_minor, order.country) == (2000, 0, "")
    assert not Reservation.objects.exists()


def test_the_cheapest_method_that_serves_is_taken():
    ShippingMethodFactory(name="Courier", price_minor=899)
    ShippingMethodFactory(name="Post", price_minor=399)
    variant = VariantFactory(stock=5, price_minor=1000)

    order = place(buyer(), (variant, 1))

    assert (order.shipping_minor, order.total_minor) == (399, 1399)
    assert order.shipping_method_name == "Post"


def test_the_method_asked_for_is_taken():
    courier = ShippingMethodFactory(name="Courier", price_minor=899)
    ShippingMethodFactory(name="Post", price_minor=399)
    variant = VariantFactory(stock=5, price_minor=1000)

    order = place(buyer(), (variant, 1), shipping_method_id=courier.pk)

    assert (order.shipping_minor, order.shipping_method_name) == (899, "Courier")


def test_a_method_that_does_not_serve_is_refused():
    method = ShippingMethodFactory(price_minor=399, min_subtotal_minor=100_000)
    variant = VariantFactory(stock=5, price_minor=1000)

    response = try_to_place(buyer(), (variant, 1), shipping_method_id=method.pk)

    assert (response.status_code, code_of(response)) == (409, "shipping_method_unavailable")
    assert nothing_happened(variant)


def test_another_total_than_the_expected_one_is_refused():
    variant = VariantFactory(stock=5, price_minor=1000)

    response = try_to_place(buyer(), (variant, 1), expected_total="9.99")

    assert (response.status_code, code_of(response)) == (409, "total_changed")
    assert response.json()["params"] == {"total": "10.00", "expected": "9.99"}
    assert nothing_happened(variant)


def test_the_expected_total_passes():
    variant = VariantFactory(stock=5, price_minor=1000)

    assert place(buyer(), (variant, 1), expected_total="10.00").total_minor == 1000


def test_an_unknown_coupon_is_refused():
    variant = VariantFactory(stock=5)

    response = try_to_place(buyer(), (variant, 1), coupon="FREE")

    assert (response.status_code, code_of(response)) == (400, "invalid_coupon")
    assert nothing_happened(variant)


def test_a_total_of_nothing_is_paid_at_once():
    variant = VariantFactory(stock=5, price_minor=0)

    order = place(buyer(), (variant, 2))

    assert (order.status, order.payment_status, order.expires_at) == ("paid", "paid", None)
    assert level_of(variant).reserved == 2
    assert Reservation.objects.get().expires_at is None


def test_the_order_keeps_what_was_bought_when_the_catalogue_changes():
    user, variant = buyer(), VariantFactory(stock=5, price_minor=1000)
    order = place(user, (variant, 1))

    variant.price_minor = 99_900
    variant.save(update_fields=["price_minor"])
    variant.product.name = "Something else"
    variant.product.save(update_fields=["name"])

    data = payload_of(client_of(user).get(f"/api/orders/{order.number}/"))
    assert data["total"] == "10.00"
    assert data["lines"][0]["unit_price"] == "10.00"
    assert data["lines"][0]["name"] != "Something else"


def test_placing_is_written_into_the_history():
    user = buyer()
    order = place(user, (VariantFactory(stock=5, price_minor=700), 1))

    event = OrderEvent.objects.get(order=order)

    assert (event.kind, event.status, event.actor_id) == ("placed", "pending", user.pk)
    assert event.data == {"total_minor": 700}


def test_the_same_key_answers_the_first_answer_again():
    user, variant = buyer(), VariantFactory(stock=5)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}]}
    client = client_of(user)

    first = client.post("/api/orders/", body, format="json", headers={"Idempotency-Key": "k1"})
    again = client.post("/api/orders/", body, format="json", headers={"Idempotency-Key": "k1"})
    other_name = client.post("/orders/new", body, format="json", headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert other_name.json() == first.json()["data"]
    assert Order.objects.count() == 1
    assert level_of(variant).reserved == 1


def test_the_same_key_with_another_body_is_refused():
    user, variant = buyer(), VariantFactory(stock=5)
    client = client_of(user)
    for quantity, status in ((1, 201), (2, 422)):
        response = client.post(
            "/api/orders/",
            {"items": [{"variant_id": variant.pk, "quantity": quantity}]},
            format="json",
            headers={"Idempotency-Key": "k1"},
        )
        assert response.status_code == status

    assert code_of(response) == "idempotency_key_reused"
    assert level_of(variant).reserved == 1


def test_a_refused_order_does_not_use_up_its_key():
    user, variant = buyer(), VariantFactory(stock=0)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}]}
    client = client_of(user)
    refused = client.post("/api/orders/", body, format="json", headers={"Idempotency-Key": "k"})
    StockLevel.objects.filter(item_id=variant.stock_item_id).update(on_hand=1)

    retried = client.post("/api/orders/", body, format="json", headers={"Idempotency-Key": "k"})

    assert (refused.status_code, retried.status_code) == (409, 201)


def test_two_customers_may_use_the_same_key():
    variant = VariantFactory(stock=5)
    body = {"items": [{"variant_id": variant.pk, "quantity": 1}]}
    for user in (buyer(), buyer()):
        response = client_of(user).post(
            "/api/orders/", body, format="json", headers={"Idempotency-Key": "same"}
        )
        assert "Idempotent-Replayed" not in response.headers

    assert Order.objects.count() == 2


def test_a_stranger_places_nothing():
    response = ShopClient().post("/api/orders/", {}, format="json")

    assert (response.status_code, code_of(response)) == (401, "not_authenticated")


def test_an_overdue_hold_makes_room_for_the_next_buyer():
    variant = VariantFactory(stock=1)
    late = place(buyer(), (variant, 1))
    Order.objects.filter(pk=late.pk).update(expires_at="2020-01-01T00:00:00Z")

    order = place(buyer(), (variant, 1))

    late.refresh_from_db()
    assert (late.status, order.status) == ("expired", "pending")
    assert level_of(variant).reserved == 1
