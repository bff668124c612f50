"""Products over HTTP: the short form, the long form, and what customers may see."""

import pytest
from django.db import transaction

from accounts.models import User
from catalog.models import Option, Product, Variant
from catalog.tests.answers import code_of, payload
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from inventory import services as inventory
from inventory.models import StockItem, StockLevel, StockMovement

pytestmark = pytest.mark.django_db

LONG_FORM = {
    "name": "T-Shirt",
    "options": [
        {"name": "Colour", "values": ["Red", "Blue"]},
        {"name": "Size", "values": ["M", "L"]},
    ],
    "variants": [
        {
            "sku": "TS-RM",
            "price": "12.50",
            "stock": 3,
            "options": {"Size": "M", "Colour": "Red"},
            "weight_grams": 200,
        },
        {
            "sku": "TS-BL",
            "price": "9.99",
            "stock": 0,
            "options": {"Colour": "Blue", "Size": "L"},
        },
    ],
}


@pytest.mark.portable
def test_the_short_form_makes_a_product_that_can_be_bought(manager, path_of):
    category = CategoryFactory(name="Lamps")
    body = {"name": "Desk Lamp", "price": "19.99", "stock": 7, "category": category.pk}

    created = manager.post(path_of("products"), body)

    assert created.status_code == 201
    product = payload(created)
    assert product["slug"] == "desk-lamp"
    assert (product["price"], product["currency"]) == ("19.99", "GBP")
    assert (product["stock"], product["in_stock"], product["sku"]) == (7, True, "DESK-LAMP")
    assert product["category"] == {
        "id": category.pk,
        "name": "Lamps",
        "slug": category.slug,
        "path": "Lamps",
    }
    [variant] = product["variants"]
    assert (variant["price"], variant["stock"], variant["options"]) == ("19.99", 7, {})
    level = StockLevel.objects.get(item__sku="DESK-LAMP")
    assert (level.on_hand, level.location.code) == (7, "main")
    assert StockMovement.objects.get().on_hand_delta == 7
    assert payload(manager.get(path_of("products/desk-lamp"))) == product
    assert payload(manager.get(path_of(f"products/{product['id']}"))) == product


@pytest.mark.parametrize("key", ["pk", "slug", "object", "none", "left out"])
def test_a_category_is_named_by_id_slug_or_not_at_all(manager, key):
    category = CategoryFactory()
    named = {
        "pk": str(category.pk),
        "slug": category.slug,
        "object": {"id": category.pk, "name": "?"},
        "none": None,
    }
    body = {"name": "Lamp", "price": 5} | ({"category": named[key]} if key in named else {})

    created = manager.post("/api/catalog/products/", body)

    assert created.status_code == 201
    expected = None if key in {"none", "left out"} else category.pk
    assert (payload(created)["category"] or {"id": None})["id"] == expected


@pytest.mark.portable
def test_the_long_form_makes_options_and_variants(manager, path_of):
    created = manager.post(path_of("products"), LONG_FORM)

    assert created.status_code == 201
    product = payload(created)
    assert product["options"] == LONG_FORM["options"]
    assert (product["price"], product["stock"], product["sku"]) == ("9.99", None, None)
    assert (product["in_stock"], product["variant_count"]) == (True, 2)
    red, blue = product["variants"]
    assert (red["sku"], red["price"], red["stock"]) == ("TS-RM", "12.50", 3)
    assert list(red["options"].items()) == [("Colour", "Red"), ("Size", "M")]
    assert red["weight_grams"] == 200
    assert (blue["in_stock"], blue["stock"]) == (False, 0)


def test_options_may_be_left_to_the_variants(manager):
    body = {key: value for key, value in LONG_FORM.items() if key != "options"}

    product = payload(manager.post("/api/catalog/products/", body))

    assert {row["name"]: row["values"] for row in product["options"]} == {
        "Colour": ["Red", "Blue"],
        "Size": ["M", "L"],
    }


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("小さな灯り", "product"),
        ("2024", "product-2024"),
        ("New", "product-new"),
        ("Crème Brûlée!", "creme-brulee"),
        ("a_b", "a-b"),
        ("-" * 50, "product"),
    ],
)
def test_every_name_gets_a_valid_slug_of_its_own(manager, name, slug):
    made = [
        payload(manager.post("/api/catalog/products/", {"name": name, "price": "1.00"}))
        for _ in range(3)
    ]

    assert [product["slug"] for product in made] == [slug, f"{slug}-2", f"{slug}-3"]
    assert len({product["sku"] for product in made}) == 3
    assert manager.get(f"/catalog/products/{slug}-3/").status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": ""}, 400, "validation_error"),
        ({"name": "x" * 201}, 400, "validation_error"),
        ({"name": "two\nlines"}, 400, "validation_error"),
        ({"name": "\x00"}, 400, "validation_error"),
        ({"price": None}, 400, "validation_error"),
        ({"price": "-1"}, 400, "validation_error"),
        ({"price": "1.999"}, 400, "validation_error"),
        ({"price": "NaN"}, 400, "validation_error"),
        ({"price": "1e999999999"}, 400, "validation_error"),
        ({"price": True}, 400, "validation_error"),
        ({"stock": -1}, 400, "validation_error"),
        ({"stock": 1.5}, 400, "validation_error"),
        ({"stock": True}, 400, "validation_error"),
        ({"stock": 2**63}, 400, "validation_error"),
        ({"slug": "add"}, 400, "validation_error"),
        ({"slug": "123"}, 400, "validation_error"),
        ({"slug": "No Slug"}, 400, "validation_error"),
        ({"slug": "taken"}, 400, "slug_taken"),
        ({"sku": "taken-sku"}, 400, "sku_taken"),
        ({"sku": "a\tb"}, 400, "validation_error"),
        ({"category": 2**63}, 404, "category_not_found"),
        ({"category": 0}, 404, "category_not_found"),
        ({"category": "nowhere"}, 404, "category_not_found"),
        ({"category": True}, 400, "validation_error"),
        ({"category": [1]}, 400, "validation_error"),
        ({"category": "\x00"}, 400, "validation_error"),
        ({"status": "deleted"}, 400, "validation_error"),
        ({"options": [{"name": "Size", "values": ["M"]}]}, 400, "options_mismatch"),
        ({"variants": [{"sku": "A"}]}, 400, "validation_error"),
        ({"variants": [{"price": "1"}] * 101}, 400, "validation_error"),
        ({"variants": [{"price": "1", "options": {"\x00": "x"}}]}, 400, "validation_error"),
        ({"variants": [{"price": "1", "options": {"": "x"}}]}, 400, "validation_error"),
        ({"variants": [{"price": "1", "options": [1]}]}, 400, "validation_error"),
        ({"variants": [{"price": "1", "is_active": False}]}, 409, "last_variant"),
    ],
)
def test_a_product_that_cannot_be_is_refused_and_leaves_nothing(manager, change, status, code):
    VariantFactory(sku="TAKEN-SKU", product__slug="taken")
    body = {"name": "Lamp", "price": "1.00", **change}

    refused = manager.post("/api/catalog/products/", body)

    assert (refused.status_code, code_of(refused)) == (status, code)
    assert (Product.objects.count(), Variant.objects.count()) == (1, 1)
    assert StockItem.objects.count() == 1


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({"Colour": "Red"}, {"Colour": "red"}, "variant_exists"),
        ({"Colour": "Red"}, {"Size": "M"}, "options_mismatch"),
        ({"Colour": "Red"}, {}, "options_mismatch"),
        ({}, {}, "variant_exists"),
        ({"Colour": "Red"}, {"Colour": "Blue", "colour": "Red"}, "repeated_option"),
    ],
)
def test_variants_differ_in_the_same_options(manager, first, second, code):
    variants = [{"price": "1", "options": first}, {"price": "1", "options": second}]

    refused = manager.post("/api/catalog/products/", {"name": "Lamp", "variants": variants})

    assert code_of(refused) == code
    assert not Product.objects.exists()
    assert not Option.objects.exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([{"name": "Colour", "values": ["Blue"]}], "unknown_option_value"),
        ([{"name": "Colour", "values": ["Red", "RED"]}], "repeated_option"),
        ([{"name": "Colour", "values": ["Red"]}] * 2, "repeated_option"),
        ([{"name": "Colour", "values": []}], "validation_error"),
    ],
)
def test_listed_options_are_the_ones_to_choose_from(manager, options, code):
    variants = [{"price": "1", "options": {"Colour": "Red"}}]
    body = {"name": "Lamp", "options": options, "variants": variants}

    assert code_of(manager.post("/api/catalog/products/", body)) == code
    assert not Product.objects.exists()


def test_a_product_made_twice_with_one_key_is_made_once(manager):
    body = {"name": "Lamp", "price": "1.00"}

    first = manager.post("/api/catalog/products/", body, headers={"Idempotency-Key": "k"})
    again = manager.post("/catalog/products", body, headers={"Idempotency-Key": "k"})

    assert payload(again) == payload(first)
    assert Product.objects.count() == 1


@pytest.mark.portable
def test_put_and_patch_change_the_product_and_its_only_variant(manager, path_of):
    variant = VariantFactory(stock=5, product__slug="lamp")
    category = CategoryFactory()
    path = path_of("products/lamp")

    body = {"name": "Big Lamp", "price": "3.50", "stock": 8, "category": category.slug}
    put = payload(manager.put(path, body))
    assert (put["name"], put["price"], put["stock"]) == ("Big Lamp", "3.50", 8)
    assert (put["slug"], put["category"]["id"]) == ("lamp", category.pk)

    patched = payload(manager.patch(path, {"price": "4", "sku": "NEW-SKU"}))
    assert (patched["name"], patched["price"], patched["sku"]) == ("Big Lamp", "4.00", "NEW-SKU")
    variant.refresh_from_db()
    assert (variant.price_minor, variant.product.from_price_minor) == (400, 400)
    assert StockItem.objects.get().sku == "NEW-SKU"


def test_what_was_read_can_be_sent_back_unchanged(manager):
    single = payload(
        manager.post("/api/catalog/products/", {"name": "Lamp", "price": "2.00", "stock": 4})
    )
    several = payload(manager.post("/api/catalog/products/", LONG_FORM))

    for product in (single, several):
        put = manager.put(f"/api/catalog/products/{product['id']}/", product)
        assert put.status_code == 200
        assert payload(put) | {"updated_at": None} == product | {"updated_at": None}

    assert StockMovement.objects.count() == 2


def test_put_asks_for_name_and_price(manager):
    product = VariantFactory(product__name="Old").product
    path = f"/api/catalog/products/{product.pk}/"

    for body in ({"price": "1.00"}, {"name": "New"}):
        assert code_of(manager.put(path, body)) == "validation_error"

    product.refresh_from_db()
    assert product.name == "Old"


@pytest.mark.parametrize("body", [{"stock": 5}, {"price": "1.23"}, {"sku": "X"}])
def test_price_and_stock_of_a_product_with_several_variants_need_the_variant(manager, body):
    product = ProductFactory()
    VariantFactory.create_batch(2, product=product, stock=3)

    refused = manager.patch(f"/api/catalog/products/{product.pk}/", body)

    assert (refused.status_code, code_of(refused)) == (400, "variant_required")
    assert list(StockLevel.objects.values_list("on_hand", flat=True)) == [3, 3]


@pytest.mark.portable
def test_writing_stock_leaves_reserved_units_alone(manager, path_of):
    variant = VariantFactory(stock=5)
    with transaction.atomic():
        inventory.reserve(quantities={variant.stock_item_id: 2}, reference="A", expires_at=None)
    path = path_of(f"products/{variant.product_id}")

    assert payload(manager.get(path))["stock"] == 3
    assert payload(manager.patch(path, {"stock": 10}))["stock"] == 10

    level = StockLevel.objects.get()
    assert (level.on_hand, level.reserved) == (12, 2)
    movement = StockMovement.objects.get(kind="adjustment")
    assert (movement.on_hand_delta, movement.actor_id) == (7, User.objects.get().pk)


def test_a_stale_change_is_refused(manager):
    variant = VariantFactory(price_minor=100)
    path = f"/api/catalog/products/{variant.product_id}/"
    etag = manager.get(path).headers["ETag"]
    assert manager.patch(path, {"price": "2"}, headers={"If-Match": etag}).status_code == 200

    for method, body in (("patch", {"price": "3"}), ("delete", None)):
        refused = getattr(manager, method)(path, body, headers={"If-Match": etag})
        assert refused.status_code == 412

    variant.refresh_from_db()
    assert variant.price_minor == 200
    assert manager.get(path, headers={"If-None-Match": etag}).status_code == 200
    fresh = manager.get(path).headers["ETag"]
    assert manager.get(path, headers={"If-None-Match": fresh}).status_code == 304


@pytest.mark.portable
def test_deleting_hides_the_product_and_frees_its_names(manager, path_of):
    variant = VariantFactory(sku="LAMP", product__slug="lamp", product__category=CategoryFactory())
    path = path_of("products/lamp")

    deleted = manager.delete(path)

    assert deleted.status_code == (200 if path.startswith("/api") else 204)
    assert manager.get(path).status_code == 404
    assert manager.delete(path).status_code == 404
    assert payload(manager.get(path_of("products")))["count"] == 0
    variant.refresh_from_db()
    assert (variant.product.status, variant.is_active) == ("deleted", False)
    again = manager.post(
        path_of("products"), {"name": "Lamp", "sku": "LAMP", "price": "1", "stock": 2}
    )
    assert (payload(again)["slug"], payload(again)["sku"]) == ("lamp", "LAMP")
    assert payload(again)["stock"] == 2
    assert StockLevel.objects.get(item=variant.stock_item).on_hand == 10


@pytest.mark.portable
def test_drafts_do_not_exist_for_customers(manager, customer, anonymous, path_of):
    variant = VariantFactory(product__status="draft")
    path = path_of(f"products/{variant.product_id}")

    for client in (customer, anonymous):
        assert client.get(path).status_code == 404
        assert client.get(path_of(f"products/{variant.product_id}/variants")).status_code == 404
        assert payload(client.get(path_of("products")))["count"] == 0
        assert payload(client.get(path_of("products") + "?status=draft"))["count"] == 0

    assert payload(manager.get(path))["status"] == "draft"
    assert payload(manager.get(path_of("products") + "?status=draft"))["count"] == 1


def test_customers_see_a_hundred_units_at_most_and_staff_the_true_number(
    manager, customer, anonymous, path_of
):
    variant = VariantFactory(stock=250)
    for client, shown in ((manager, 250), (customer, 100), (anonymous, 100)):
        product = payload(client.get(path_of(f"products/{variant.product_id}")))
        assert (product["stock"], product["variants"][0]["stock"]) == (shown, shown)
        assert payload(client.get(path_of("products")))["results"][0]["stock"] == shown


def test_customers_do_not_see_inactive_variants(manager, anonymous):
    product = VariantFactory(price_minor=500).product
    VariantFactory(product=product, is_active=False, price_minor=100)
    path = f"/api/catalog/products/{product.pk}/"

    assert len(payload(manager.get(path))["variants"]) == 2
    shown = payload(anonymous.get(path))
    assert (shown["variant_count"], shown["price"], shown["stock"]) == (1, "5.00", 10)
    assert payload(anonymous.get(path + "variants/"))["count"] == 1


def test_a_product_without_an_active_variant_does_not_go_on_sale(manager):
    variant = VariantFactory(is_active=False, product__status="draft")
    path = f"/api/catalog/products/{variant.product_id}/"

    refused = manager.patch(path, {"status": "active"})

    assert (refused.status_code, code_of(refused)) == (409, "last_variant")
    assert Product.objects.get().status == "draft"


@pytest.mark.parametrize("key", ["nothing", "0", "9" * 25, "9" * 5000, "1.5", "%F0%9F%92%A9"])
def test_impossible_names_are_not_found(anonymous, key):
    assert anonymous.get(f"/api/catalog/products/{key}/").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "products"),
        ("put", "products/1"),
        ("patch", "products/1"),
        ("delete", "products/1"),
        ("post", "products/1/variants"),
        ("put", "products/1/variants/1"),
        ("patch", "products/1/variants/1"),
        ("delete", "products/1/variants/1"),
        ("post", "categories"),
        ("put", "categories/1"),
        ("patch", "categories/1"),
        ("delete", "categories/1"),
    ],
)
def test_only_staff_write_the_catalogue(method, path, path_of, anonymous, customer):
    assert getattr(anonymous, method)(path_of(path), {}).status_code == 401
    assert getattr(customer, method)(path_of(path), {}).status_code == 403


def test_shared_caches_know_whom_an_answer_is_for(anonymous, customer):
    VariantFactory()

    public = anonymous.get("/api/catalog/products/")
    private = customer.get("/api/catalog/products/")

    assert "Authorization" in public.headers["Vary"]
    assert public.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert private.headers["Cache-Control"] == "private"
    again = anonymous.get(
        "/api/catalog/products/", headers={"If-None-Match": public.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.portable
@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_products_answer_to_their_other_names(manager, anonymous, prefix, slash):
    added = manager.post(f"{prefix}/products/add{slash}", {"name": "Lamp", "price": "1.50"})
    assert added.status_code == 201
    pk = payload(added)["id"]

    assert payload(anonymous.get(f"{prefix}/products{slash}"))["count"] == 1
    assert payload(anonymous.get(f"{prefix}/products/lamp{slash}"))["id"] == pk
    edited = manager.put(f"{prefix}/products/edit/{pk}{slash}", {"name": "Big Lamp"})
    assert (payload(edited)["name"], payload(edited)["price"]) == ("Big Lamp", "1.50")
    put = manager.put(f"{prefix}/products/{pk}{slash}", {"name": "Lamp", "price": "2"})
    assert payload(put)["price"] == "2.00"
    posted = manager.post(f"{prefix}/products{slash}", {"name": "Two", "price": "1"})
    assert posted.status_code == 201
    assert manager.delete(f"{prefix}/products/delete/{pk}{slash}").status_code in {200, 204}
    two = payload(posted)["id"]
    assert manager.delete(f"{prefix}/products/{two}{slash}").status_code in {200, 204}
    assert payload(anonymous.get(f"{prefix}/products{slash}"))["count"] == 0
    assert anonymous.post(f"{prefix}/products/add{slash}", {}).status_code == 401
