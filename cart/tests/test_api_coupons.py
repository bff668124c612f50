"""Coupons and tax rates, as the people who run the shop manage them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import StaffFactory, UserFactory
from cart.models import Coupon, TaxRate
from cart.tests.factories import CouponFactory, TaxRateFactory, standard_class
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from orders.tests.trade import buyer, client_of, manager, place
from tests.client import ShopClient
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

PERCENT = {"code": "spring-10", "kind": "percent", "percent": "12.5"}


@every_spelling
def test_a_coupon_is_made_changed_and_deleted(prefix, ending):
    client = client_of(manager())
    product, category = ProductFactory(), CategoryFactory()
    limits = {"products": [product.pk], "categories": [category.pk], "usage_limit": 5}

    made = client.post(f"{prefix}/cart/coupons{ending}", {**PERCENT, **limits}, format="json")
    data = payload_of(made, prefix)
    path = f"{prefix}/cart/coupons/{data['id']}{ending}"
    changed = client.patch(path, {"is_active": False, "products": []}, format="json")
    read = client.get(path)
    deleted = client.delete(path)

    assert made.status_code == 201
    assert (data["code"], data["percent"], data["amount"]) == ("SPRING-10", "12.5", None)
    assert (data["products"], data["categories"]) == ([product.pk], [category.pk])
    assert (data["usage_limit"], data["used_count"], data["currency"]) == (5, 0, "GBP")
    assert payload_of(changed, prefix)["is_active"] is False
    assert payload_of(changed, prefix)["products"] == []
    assert payload_of(changed, prefix)["categories"] == [category.pk]
    assert payload_of(read, prefix)["kind"] == "percent"
    assert deleted.status_code == (200 if prefix else 204)
    assert not Coupon.objects.exists()


def test_a_coupon_is_replaced_as_a_whole():
    coupon = CouponFactory(usage_limit=5)
    body = {"code": "NEW-ONE", "kind": "fixed", "amount": "5.00"}

    response = client_of(manager()).put(f"/api/cart/coupons/{coupon.pk}/", body, format="json")

    data = payload_of(response)
    assert (data["kind"], data["percent"], data["amount"]) == ("fixed", None, "5.00")
    assert (data["code"], data["usage_limit"]) == ("NEW-ONE", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "a"}, "code"),
        ({"code": "has space"}, "code"),
        ({"code": "ÉTÉ-2026"}, "code"),
        ({"code": "a\x00b-c"}, "code"),
        ({"percent": "0"}, "percent"),
        ({"percent": "100.01"}, "percent"),
        ({"percent": "1e2"}, "percent"),
        ({"percent": "-5"}, "percent"),
        ({"percent": "NaN"}, "percent"),
        ({"percent": True}, "percent"),
        ({"percent": "12.345"}, "percent"),
        ({"percent": None}, "percent"),
        ({"amount": "5.00"}, "amount"),
        ({"kind": "fixed"}, "percent"),
        ({"kind": "fixed", "percent": None, "amount": "0"}, "amount"),
        ({"kind": "fixed", "percent": None, "amount": "1e999999"}, "amount"),
        ({"kind": "free_shipping"}, "percent"),
        ({"kind": "gift"}, "kind"),
        ({"usage_limit": 0}, "usage_limit"),
        ({"usage_limit": 2**31}, "usage_limit"),
        ({"per_customer_limit": -1}, "per_customer_limit"),
        ({"min_subtotal": "-1"}, "min_subtotal"),
        ({"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "0001-01-01T00:00:00+14:00"}, "ends_at"),
        ({"ends_at": "9999-12-31T23:59:59-14:00"}, "ends_at"),
        ({"products": [0]}, "products"),
        ({"products": [2**63]}, "products"),
        ({"products": "1"}, "products"),
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(change, field):
    response = client_of(manager()).post("/api/cart/coupons/", {**PERCENT, **change}, format="json")

    assert response.status_code == 400
    assert field in response.json()["errors"]
    assert not Coupon.objects.exists()


def test_a_code_is_unique_in_any_case():
    CouponFactory(code="SPRING-10")

    response = client_of(manager()).post("/api/cart/coupons/", PERCENT, format="json")

    assert (response.status_code, code_of(response)) == (400, "coupon_code_taken")


@pytest.mark.parametrize("field", ["products", "categories"])
def test_a_coupon_for_what_is_not_there_is_refused(field):
    response = client_of(manager()).post(
        "/api/cart/coupons/", {**PERCENT, field: [999_999]}, format="json"
    )

    assert (response.status_code, code_of(response)) == (404, "coupon_scope_not_found")
    assert not Coupon.objects.exists()


def test_a_used_coupon_is_switched_off_not_deleted():
    coupon = CouponFactory()
    place(buyer(), (VariantFactory(), 1), coupon=coupon.code)
    client = client_of(manager())

    deleted = client.delete(f"/api/cart/coupons/{coupon.pk}/")
    off = client.patch(f"/api/cart/coupons/{coupon.pk}/", {"is_active": False}, format="json")

    assert (deleted.status_code, code_of(deleted)) == (409, "coupon_in_use")
    assert payload_of(off)["used_count"] == 1


def test_a_limit_below_the_uses_is_refused():
    coupon = CouponFactory(used_count=3)

    response = client_of(manager()).patch(
        f"/api/cart/coupons/{coupon.pk}/", {"usage_limit": 2}, format="json"
    )

    assert (response.status_code, code_of(response)) == (400, "coupon_limit_below_uses")


def test_the_counter_is_nobodys_to_set():
    coupon = CouponFactory(used_count=3)

    client_of(manager()).patch(f"/api/cart/coupons/{coupon.pk}/", {"used_count": 0}, format="json")

    coupon.refresh_from_db()
    assert coupon.used_count == 3


RATE = {"country": "us", "region": "ny", "rate": "8.875", "name": "Sales tax"}


@every_spelling
def test_a_tax_rate_is_made_changed_and_deleted(prefix, ending):
    client, tax_class = client_of(manager()), standard_class()

    body = {**RATE, "tax_class": tax_class.pk}
    made = client.post(f"{prefix}/cart/tax-rates{ending}", body, format="json")
    data = payload_of(made, prefix)
    path = f"{prefix}/cart/tax-rates/{data['id']}{ending}"
    changed = client.patch(path, {"rate": "9"}, format="json")
    replaced = client.put(path, {**body, "region": "", "rate": "0"}, format="json")
    read = client.get(path)
    deleted = client.delete(path)

    assert made.status_code == 201
    assert (data["country"], data["region"], data["rate"]) == ("US", "NY", "8.875")
    assert payload_of(changed, prefix)["rate"] == "9"
    assert payload_of(replaced, prefix) == payload_of(read, prefix)
    assert (payload_of(read, prefix)["region"], payload_of(read, prefix)["rate"]) == ("", "0")
    assert deleted.status_code == (200 if prefix else 204)
    assert not TaxRate.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"country": "ZZ"}, 400, "validation_error"),
        ({"rate": "100.0001"}, 400, "validation_error"),
        ({"rate": "8.87512"}, 400, "validation_error"),
        ({"rate": None}, 400, "validation_error"),
        ({"region": "ß" * 100}, 400, "validation_error"),
        ({"name": "a\nb"}, 400, "validation_error"),
        ({"tax_class": 999_999}, 404, "unknown_tax_class"),
        ({"tax_class": 2**63}, 400, "validation_error"),
    ],
)
def test_a_rate_that_makes_no_sense_is_refused(change, status, code):
    body = {**RATE, "tax_class": standard_class().pk, **change}

    response = client_of(manager()).post("/api/cart/tax-rates/", body, format="json")

    assert (response.status_code, code_of(response)) == (status, code)
    assert not TaxRate.objects.exists()


def test_a_class_has_one_rate_a_place():
    rate = TaxRateFactory(country="US", region="NY")
    body = {**RATE, "tax_class": rate.tax_class_id}

    response = client_of(manager()).post("/api/cart/tax-rates/", body, format="json")

    assert (response.status_code, code_of(response)) == (400, "tax_rate_exists")


@pytest.mark.parametrize("path", ["/cart/coupons/", "/cart/tax-rates/"])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_only_those_who_run_the_shop_may_look(prefix, path):
    stranger = ShopClient().get(prefix + path)
    customer = client_of(UserFactory()).get(prefix + path)
    warehouse = client_of(StaffFactory(role="warehouse")).post(prefix + path, {}, format="json")

    assert [stranger.status_code, customer.status_code, warehouse.status_code] == [401, 403, 403]


def test_support_sees_coupons_and_changes_none():
    coupon, client = CouponFactory(), client_of(StaffFactory(role="support"))

    read = client.get(f"/api/cart/coupons/{coupon.pk}/")
    changed = client.patch(f"/api/cart/coupons/{coupon.pk}/", {"is_active": False}, format="json")

    assert (read.status_code, changed.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("code=SPR", ["SPRING"]),
        ("kind=free_shipping", ["FREE"]),
        ("is_active=false", ["FREE"]),
        ("ordering=-code", ["SPRING", "FREE"]),
    ],
)
def test_coupons_are_narrowed_and_ordered(query, codes):
    CouponFactory(code="SPRING")
    CouponFactory(code="FREE", kind="free_shipping", is_active=False)

    data = payload_of(client_of(manager()).get(f"/api/cart/coupons/?{query}"))

    assert [coupon["code"] for coupon in data["results"]] == codes


@pytest.mark.parametrize("query", ["kind=gift", "is_active=perhaps", "ordering=x", "unknown=1"])
def test_a_filter_that_is_none_is_refused(query):
    assert client_of(manager()).get(f"/api/cart/coupons/?{query}").status_code == 400


@pytest.mark.parametrize("query", ["country=de", "tax_class=999"])
def test_rates_are_narrowed(query):
    TaxRateFactory(country="GB")
    TaxRateFactory(country="DE")

    data = payload_of(client_of(manager()).get(f"/api/cart/tax-rates/?{query}"))

    assert [rate["country"] for rate in data["results"]] == (["DE"] if "country" in query else [])


def test_lists_take_the_same_queries_for_one_and_ten_rows():
    client = client_of(manager())

    def fill(count, start=0):
        for n in range(start, count):
            CouponFactory(products=[ProductFactory()], categories=[CategoryFactory()])
            TaxRateFactory(country="US", region=f"R{n}")

    fill(1)
    client.get("/api/cart/coupons/")  # the role's permissions are read once
    counted = []
    for rows in (1, 10):
        fill(rows, start=Coupon.objects.count())
        for path in ("/api/cart/coupons/", "/api/cart/tax-rates/"):
            with CaptureQueriesContext(connection) as queries:
                assert payload_of(client.get(path))["count"] == rows
            counted.append(len(queries))

    assert counted[:2] == counted[2:]
    assert counted[1] <= 5
