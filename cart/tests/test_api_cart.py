"""The cart, as its owner sees it."""

import pytest

from accounts.tests.factories import UserFactory
from cart.models import Cart, CartLine
from catalog.tests.factories import ProductFactory, VariantFactory
from shipping.tests.factories import AddressFactory, ShippingMethodFactory
from tests.client import ShopClient
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def client_of(user):
    client = ShopClient()
    client.force_authenticate(user)
    return client


def set_line(client, variant, quantity, prefix="/api", ending="/"):
    return client.post(
        f"{prefix}/cart{ending}", {"variant_id": variant.pk, "quantity": quantity}, format="json"
    )


@every_spelling
def test_a_line_is_added_and_priced(prefix, ending):
    client, variant = client_of(UserFactory()), VariantFactory(stock=5, price_minor=250)

    response = set_line(client, variant, 3, prefix, ending)

    assert response.status_code == 200
    data = payload_of(client.get(f"{prefix}/cart{ending}"), prefix)
    assert data == payload_of(response, prefix)
    (item,) = data["items"]
    assert (item["sku"], item["price"], item["quantity"]) == (variant.sku, "2.50", 3)
    assert item["line_total"] == "7.50"
    assert (data["subtotal"], data["total"], data["currency"]) == ("7.50", "7.50", "GBP")
    assert data["problems"] == []


def test_an_untouched_cart_is_empty_and_not_stored():
    user = UserFactory()

    data = payload_of(client_of(user).get("/api/cart/"))

    assert (data["items"], data["total"]) == ([], "0.00")
    assert not Cart.objects.exists()


def test_setting_a_line_again_changes_its_quantity():
    client, variant = client_of(UserFactory()), VariantFactory(stock=5)
    set_line(client, variant, 3)

    set_line(client, variant, 2)

    assert CartLine.objects.get().quantity == 2


def test_a_quantity_of_nothing_removes_the_line():
    client, variant = client_of(UserFactory()), VariantFactory(stock=5)
    set_line(client, variant, 3)

    data = payload_of(set_line(client, variant, 0))

    assert data["items"] == []


def test_what_is_not_sold_any_more_can_be_removed():
    client, variant = client_of(UserFactory()), VariantFactory(stock=5)
    set_line(client, variant, 3)
    variant.product.status = "archived"
    variant.product.save(update_fields=["status"])

    for name in ({"variant_id": variant.pk}, {"product": variant.product.slug}):
        response = client.post("/api/cart/", {**name, "quantity": 0}, format="json")
        assert payload_of(response)["items"] == []


def test_a_changed_line_is_held_against_the_stock_too():
    client, variant = client_of(UserFactory()), VariantFactory(stock=5)
    set_line(client, variant, 3)
    line = CartLine.objects.get()

    response = client.patch(f"/api/cart/items/{line.pk}/", {"quantity": 6}, format="json")

    assert (response.status_code, code_of(response)) == (409, "insufficient_stock")
    line.refresh_from_db()
    assert line.quantity == 3


@pytest.mark.parametrize("field", ["product_id", "product"])
def test_a_product_with_one_variant_is_named_by_the_product(field):
    client, variant = client_of(UserFactory()), VariantFactory(stock=5)
    for name in (variant.product_id, variant.product.slug, str(variant.product_id)):
        response = client.post("/api/cart/", {field: name, "quantity": 1}, format="json")
        assert payload_of(response)["items"][0]["variant_id"] == variant.pk


def test_a_product_with_several_variants_wants_a_variant():
    product = ProductFactory()
    VariantFactory(product=product, stock=5)
    VariantFactory(product=product, stock=5)

    response = client_of(UserFactory()).post(
        "/api/cart/", {"product_id": product.pk, "quantity": 1}, format="json"
    )

    assert (response.status_code, code_of(response)) == (400, "variant_required")
    assert not CartLine.objects.exists()


def test_more_than_there_is_does_not_go_in():
    variant = VariantFactory(stock=2)

    response = set_line(client_of(UserFactory()), variant, 3)

    assert (response.status_code, code_of(response)) == (409, "insufficient_stock")
    assert not CartLine.objects.exists()


@pytest.mark.parametrize("quantity", [-1, 1.5, "x", None, 10_001, 2**64])
def test_a_quantity_that_is_none_is_refused(quantity):
    response = set_line(client_of(UserFactory()), VariantFactory(stock=5), quantity)

    assert response.status_code == 400
    assert not CartLine.objects.exists()


@every_spelling
def test_a_line_is_changed_and_removed(prefix, ending):
    client, variant = client_of(UserFactory()), VariantFactory(stock=5, price_minor=100)
    set_line(client, variant, 3)
    path = f"{prefix}/cart/items/{CartLine.objects.get().pk}{ending}"

    changed = client.patch(path, {"quantity": 4}, format="json")
    removed = client.delete(path)

    assert payload_of(changed, prefix)["total"] == "4.00"
    assert removed.status_code == (200 if prefix else 204)
    assert not CartLine.objects.exists()


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_another_customers_line_is_not_there(method):
    set_line(client_of(UserFactory()), VariantFactory(stock=5), 3)
    line = CartLine.objects.get()

    response = getattr(client_of(UserFactory()), method)(
        f"/api/cart/items/{line.pk}/", {"quantity": 1}, format="json"
    )

    assert (response.status_code, code_of(response)) == (404, "cart_line_not_found")
    line.refresh_from_db()
    assert line.quantity == 3


@every_spelling
def test_the_cart_is_emptied(prefix, ending):
    client = client_of(UserFactory())
    set_line(client, VariantFactory(stock=5), 3)

    response = client.delete(f"{prefix}/cart{ending}")

    assert response.status_code == (200 if prefix else 204)
    assert not CartLine.objects.exists()


@every_spelling
def test_address_and_method_give_a_price_for_shipping(prefix, ending):
    user = UserFactory()
    client, address = client_of(user), AddressFactory(user=user, country="GB")
    method = ShippingMethodFactory(price_minor=399)
    set_line(client, VariantFactory(stock=5, price_minor=1000), 1)

    response = client.put(
        f"{prefix}/cart/shipping{ending}",
        {"address_id": address.pk, "method_id": method.pk},
        format="json",
    )

    data = payload_of(response, prefix)
    assert (data["shipping"], data["total"]) == ("3.99", "13.99")
    assert data["shipping_method"]["id"] == method.pk
    assert data["shipping_address"]["line1"] == address.line1


def test_a_typed_address_stays_with_the_cart_alone():
    user = UserFactory()
    client = client_of(user)
    ShippingMethodFactory(price_minor=399)
    set_line(client, VariantFactory(stock=5, price_minor=1000), 1)
    address = {
        "full_name": "Ada",
        "line1": "1 Lane",
        "city": "Leeds",
        "postal_code": "LS1 1AA",
        "country": "gb",
    }

    data = payload_of(client.put("/api/cart/shipping/", {"address": address}, format="json"))

    assert data["shipping_address"]["country"] == "GB"
    assert data["shipping"] == "3.99"
    assert not user.addresses.exists()


def test_a_strangers_address_is_not_there():
    theirs = AddressFactory()

    response = client_of(UserFactory()).put(
        "/api/cart/shipping/", {"address_id": theirs.pk}, format="json"
    )

    assert (response.status_code, code_of(response)) == (404, "address_not_found")


@pytest.mark.parametrize(
    "body",
    [{}, {"address_id": "x"}, {"address": {}}, {"method_id": 0}, {"address": {"country": "ZZ"}}],
)
def test_a_choice_that_is_none_is_refused(body):
    response = client_of(UserFactory()).put("/api/cart/shipping/", body, format="json")

    assert response.status_code == 400


def test_what_changed_since_is_a_problem_with_a_code():
    client = client_of(UserFactory())
    dearer = VariantFactory(stock=5, price_minor=100)
    scarcer, gone = VariantFactory(stock=5), VariantFactory(stock=5)
    for variant in (dearer, scarcer, gone):
        set_line(client, variant, 2)
    dearer.price_minor = 120
    dearer.save(update_fields=["price_minor"])
    scarcer.stock_item.levels.update(on_hand=1)
    gone.product.status = "archived"
    gone.product.save(update_fields=["status"])

    data = payload_of(client.get("/api/cart/"))

    found = {(problem["code"], problem["item_id"]) for problem in data["problems"]}
    lines = {line.variant_id: line.pk for line in CartLine.objects.all()}
    assert found == {
        ("price_changed", lines[dearer.pk]),
        ("insufficient_stock", lines[scarcer.pk]),
        ("not_for_sale", lines[gone.pk]),
    }


def test_a_cart_that_cannot_be_sent_says_so():
    user = UserFactory()
    client = client_of(user)
    AddressFactory(user=user, default_for=user.pk, country="GB")
    ShippingMethodFactory(price_minor=399, min_subtotal_minor=1_000_000)
    set_line(client, VariantFactory(stock=5, price_minor=100), 2)

    data = payload_of(client.get("/api/cart/"))

    assert [problem["code"] for problem in data["problems"]] == ["not_deliverable"]
    assert data["total"] == "2.00"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/cart/"),
        ("post", "/cart/"),
        ("delete", "/cart/"),
        ("patch", "/cart/items/1/"),
        ("delete", "/cart/items/1/"),
        ("put", "/cart/shipping/"),
    ],
)
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_stranger_has_no_cart(prefix, method, path):
    response = getattr(ShopClient(), method)(prefix + path, {}, format="json")

    assert (response.status_code, code_of(response, prefix)) == (401, "not_authenticated")


def test_a_cart_takes_the_same_queries_for_one_and_for_ten_lines(django_assert_max_num_queries):
    client = client_of(UserFactory())
    set_line(client, VariantFactory(stock=5), 1)
    with django_assert_max_num_queries(9) as one:
        client.get("/api/cart/")
    for _ in range(9):
        set_line(client, VariantFactory(stock=5), 1)

    with django_assert_max_num_queries(9) as ten:
        assert len(payload_of(client.get("/api/cart/"))["items"]) == 10

    assert len(ten) == len(one)


def test_a_cart_holds_so_many_lines_and_no_more(settings):
    settings.MAX_CART_LINES = 2
    client = client_of(UserFactory())
    for _ in range(2):
        set_line(client, VariantFactory(stock=5), 1)

    response = set_line(client, VariantFactory(stock=5), 1)

    assert (response.status_code, code_of(response)) == (409, "cart_full")
    assert CartLine.objects.count() == 2
