"""The variants of a product over HTTP."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Option, OptionValue, Variant
from catalog.tests.answers import code_of, payload
from catalog.tests.factories import ProductFactory, VariantFactory
from inventory.models import StockItem
from inventory.tests.factories import main_location

pytestmark = pytest.mark.django_db


@pytest.fixture
def shirt(manager):
    body = {
        "name": "Shirt",
        "variants": [
            {"sku": "RED", "price": "10", "stock": 3, "options": {"Colour": "Red"}},
            {"sku": "BLUE", "price": "12", "stock": 3, "options": {"Colour": "Blue"}},
        ],
    }
    return payload(manager.post("/api/catalog/products/", body))


@pytest.mark.portable
def test_variants_are_added_listed_changed_and_removed(manager, anonymous, shirt, path_of):
    path = path_of("products/shirt/variants")
    added = manager.post(
        path, {"sku": "GREEN", "price": "8.00", "stock": 5, "options": {"colour": "Green"}}
    )
    assert added.status_code == 201
    green = payload(added)
    assert (green["stock"], green["options"], green["position"]) == (5, {"Colour": "Green"}, 2)

    skus = [row["sku"] for row in payload(anonymous.get(path))["results"]]
    assert skus == ["RED", "BLUE", "GREEN"]
    product = path_of("products/shirt")
    assert payload(anonymous.get(product))["price"] == "8.00"

    one = path_of(f"products/{shirt['id']}/variants/{green['id']}")
    assert payload(anonymous.get(one)) == green
    put = payload(manager.put(one, {"price": "20", "stock": 1}))
    assert (put["price"], put["stock"], put["sku"]) == ("20.00", 1, "GREEN")
    assert payload(anonymous.get(product))["price"] == "10.00"
    patched = payload(manager.patch(one, {"sku": "LIME", "options": {"Colour": "Lime"}}))
    assert (patched["sku"], patched["options"]) == ("LIME", {"Colour": "Lime"})
    assert payload(anonymous.get(product))["options"][0]["values"] == ["Red", "Blue", "Lime"]

    assert manager.delete(one).status_code in {200, 204}
    assert manager.get(one).status_code == 404
    assert payload(anonymous.get(product))["options"][0]["values"] == ["Red", "Blue"]
    again = manager.post(path, {"sku": "LIME", "price": "1", "options": {"Colour": "Lime"}})
    assert (again.status_code, payload(again)["stock"]) == (201, 0)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"price": "1", "options": {"Colour": "RED"}}, 409, "variant_exists"),
        ({"price": "1"}, 400, "options_mismatch"),
        ({"price": "1", "options": {"Size": "M"}}, 400, "options_mismatch"),
        ({"price": "1", "sku": "red", "options": {"Colour": "X"}}, 400, "sku_taken"),
        ({"options": {"Colour": "X"}}, 400, "validation_error"),
        ({"price": "1", "options": {"Colour": "x" * 51}}, 400, "validation_error"),
        (
            {"price": "1", "options": {f"O{n}": "x" for n in range(11)}},
            400,
            "validation_error",
        ),
    ],
)
def test_a_variant_that_cannot_be_is_refused_and_leaves_nothing(manager, shirt, body, status, code):
    refused = manager.post("/api/catalog/products/shirt/variants/", body)

    assert (refused.status_code, code_of(refused)) == (status, code)
    assert (Variant.objects.count(), StockItem.objects.count()) == (2, 2)
    assert (Option.objects.count(), OptionValue.objects.count()) == (1, 2)


def test_a_product_without_options_gets_them_before_its_second_variant(manager):
    variant = VariantFactory(product__slug="shirt")
    path = "/api/catalog/products/shirt/variants/"

    early = manager.post(path, {"price": "1", "options": {"Size": "L"}})
    manager.patch(f"{path}{variant.pk}/", {"options": {"Size": "M"}})
    then = manager.post(path, {"price": "1", "options": {"Size": "L"}})

    assert (early.status_code, then.status_code) == (400, 201)


@pytest.mark.portable
def test_the_last_active_variant_stays_while_the_product_is_on_sale(manager, shirt):
    red, blue = shirt["variants"]
    path = "/api/catalog/products/shirt/variants/"
    assert manager.patch(f"{path}{red['id']}/", {"is_active": False}).status_code == 200

    removed = manager.delete(f"{path}{blue['id']}/")
    hidden = manager.patch(f"{path}{blue['id']}/", {"is_active": False})

    assert (removed.status_code, code_of(removed)) == (409, "last_variant")
    assert (hidden.status_code, code_of(hidden)) == (409, "last_variant")
    assert Variant.objects.get(pk=blue["id"]).is_active
    manager.patch("/api/catalog/products/shirt/", {"status": "draft"})
    assert manager.delete(f"{path}{blue['id']}/").status_code == 200


def test_the_price_of_a_product_is_that_of_its_cheapest_active_variant(manager, anonymous, shirt):
    red, _ = shirt["variants"]
    path = f"/api/catalog/products/shirt/variants/{red['id']}/"

    manager.patch(path, {"is_active": False})

    assert payload(anonymous.get("/api/catalog/products/shirt/"))["price"] == "12.00"


def test_a_variant_follows_the_one_on_the_last_position(manager, shirt):
    red, _ = shirt["variants"]
    path = "/api/catalog/products/shirt/variants/"
    manager.patch(f"{path}{red['id']}/", {"position": 32_767})

    added = manager.post(path, {"price": "1", "options": {"Colour": "Green"}})

    assert (added.status_code, payload(added)["position"]) == (201, 32_767)


def test_another_products_variant_is_not_there(anonymous):
    variant, other = VariantFactory(), VariantFactory()
    path = f"/api/catalog/products/{other.product_id}/variants/"

    for pk in (variant.pk, 0, "9" * 30, "abc"):
        assert anonymous.get(f"{path}{pk}/").status_code == 404


def test_a_product_has_a_bounded_number_of_variants(manager):
    product = ProductFactory()
    VariantFactory.create_batch(100, product=product, stock=None)

    refused = manager.post(f"/api/catalog/products/{product.pk}/variants/", {"price": "1"})

    assert (refused.status_code, code_of(refused)) == (409, "too_many_variants")
    assert product.variants.count() == 100


@pytest.mark.portable
def test_a_product_of_a_hundred_variants_costs_no_thousands_of_queries(manager):
    main_location()
    names = [f"Option {number}" for number in range(10)]

    def post(name, count):
        variants = [
            {
                "price": "1.00",
                "stock": 3,
                "options": {option: f"{option} {number}" for option in names},
            }
            for number in range(count)
        ]
        body = {"name": name, "variants": variants}
        with CaptureQueriesContext(connection) as queries:
            response = manager.post("/api/catalog/products/", body, format="json")
        assert response.status_code == 201, response.json()
        return response.json()["data"], len(queries)

    _, few = post("Small", 1)
    made, many = post("Large", 100)

    assert (len(made["variants"]), len({row["sku"] for row in made["variants"]})) == (100, 100)
    assert [len(option["values"]) for option in made["options"]] == [100] * 10
    assert made["variants"][99]["options"] == {option: f"{option} 99" for option in names}
    assert {row["stock"] for row in made["variants"]} == {3}
    # One guarded UPDATE a counter; where it cannot return them, a SELECT of its units too.
    assert many - few <= 2 * 99 + 5
