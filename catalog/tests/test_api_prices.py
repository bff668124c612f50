"""What things cost, and what they cost before."""

from io import BytesIO

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from catalog import services
from catalog.imports.rows import read_rows
from catalog.models import PriceChange, Product, Variant
from catalog.tests.answers import payload, refused
from catalog.tests.factories import VariantFactory

pytestmark = pytest.mark.django_db


def history(client, path):
    rows = payload(client.get(path))["results"]
    return [(row["sku"], row["price"], row["compare_at_price"]) for row in rows]


@pytest.mark.portable
def test_every_price_is_written_down_with_who_set_it(manager, path_of):
    body = {"name": "Lamp", "price": "20.00", "sku": "L"}
    lamp = payload(manager.post(path_of("products"), body))
    one = path_of(f"products/{lamp['id']}")

    manager.patch(one, {"price": "15.00", "compare_at_price": "20.00"})
    manager.patch(one, {"price": "15.00", "name": "Lamp 2"})
    manager.patch(one, {"compare_at_price": None})

    path = path_of(f"products/{lamp['id']}/price-history")
    expected = [("L", "15.00", None), ("L", "15.00", "20.00"), ("L", "20.00", None)]
    assert history(manager, path) == expected
    assert set(PriceChange.objects.values_list("actor_id", flat=True)) == {
        manager.handler._force_user.pk
    }


def test_an_import_writes_prices_down_too():
    def take(*prices):
        lines = ["sku,name,price", *(f"S{n},Lamp,{price}" for n, price in prices)]
        file = BytesIO("\n".join(lines).encode())
        list(services.import_rows(read_rows(file, default_currency="GBP")))

    take((1, "0.01"), (2, "0.02"))
    take((1, "0.05"), (2, "0.02"))

    written = PriceChange.objects.order_by("pk").values_list("variant__sku", "price_minor")
    assert list(written) == [("S1", 1), ("S2", 2), ("S1", 5)]


def test_the_price_history_is_for_staff(anonymous, customer, manager, path_of):
    product = VariantFactory().product
    path = path_of(f"products/{product.slug}/price-history")

    assert anonymous.get(path).status_code == 401
    assert customer.get(path).status_code == 403
    assert len(history(manager, path)) == 1
    assert manager.get(path_of("products/nowhere/price-history")).status_code == 404


def test_the_database_refuses_to_rewrite_prices():
    if connection.vendor == "mysql":
        pytest.skip("MariaDB is left to the services")
    VariantFactory()

    for statement in [
        "UPDATE catalog_pricechange SET price_minor = 1",
        "DELETE FROM catalog_pricechange",
    ]:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize("rows", [1, 10])
def test_a_price_history_costs_a_constant_number_of_queries(
    manager, rows, django_assert_num_queries
):
    product = VariantFactory().product
    for _ in range(rows - 1):
        VariantFactory(product=product)
    path = f"/api/catalog/products/{product.pk}/price-history/"
    manager.get(path)

    with django_assert_num_queries(3):
        assert len(history(manager, path)) == rows


@pytest.mark.portable
def test_a_compare_at_price_is_shown_beside_the_price(manager, anonymous, path_of):
    body = {"name": "Lamp", "price": "15.00", "compare_at_price": "20.00"}
    lamp = payload(manager.post(path_of("products"), body))

    [row] = payload(anonymous.get(path_of("products")))["results"]

    assert (row["price"], row["compare_at_price"]) == ("15.00", "20.00")
    assert lamp["variants"][0]["compare_at_price"] == "20.00"
    one = path_of(f"products/{lamp['id']}")
    assert payload(manager.put(one, lamp))["compare_at_price"] == "20.00"


@pytest.mark.portable
def test_a_compare_at_price_is_above_the_price(manager, path_of):
    variant = VariantFactory(price_minor=1000, compare_at_minor=2000)
    one = path_of(f"products/{variant.product_id}")

    for body in [{"compare_at_price": "10.00"}, {"price": "30.00", "compare_at_price": "20.00"}]:
        answer = manager.patch(one, body)
        assert refused(answer, 400, "compare_at_too_low")
    variant.refresh_from_db()
    assert (variant.price_minor, variant.compare_at_minor) == (1000, 2000)

    raised = payload(manager.patch(one, {"price": "25.00"}))
    assert (raised["price"], raised["compare_at_price"]) == ("25.00", None)
    body = {"name": "A", "price": "2", "compare_at_price": "1"}
    assert manager.post(path_of("products"), body).status_code == 400
    assert Product.objects.count() == 1


@pytest.mark.portable
def test_the_database_keeps_the_compare_at_price_above_the_price():
    VariantFactory(price_minor=1000)

    with pytest.raises(IntegrityError), transaction.atomic():
        Variant.objects.update(compare_at_minor=1000)
