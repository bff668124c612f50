"""A cart remembers the ways of sending, the taxes and the options, and is never shown old ones."""

import importlib

import pytest
from django.db import connection

from cart.models import TaxRate
from cart.tests.factories import TaxRateFactory
from catalog import version
from catalog.models import Option, OptionValue
from catalog.tests.factories import VariantFactory
from orders.tests.trade import buyer, client_of
from shipping.models import ShippingMethod, ShippingRate, ZoneArea
from shipping.tests.factories import ShippingMethodFactory, ZoneFactory
from tests.faces import payload_of

pytestmark = pytest.mark.django_db
TABLES = importlib.import_module("cart.migrations.0004_charges_are_written_down").TABLES


@pytest.fixture(autouse=True)
def _only_where_a_version_is_kept():
    if not version.is_known():
        pytest.skip("MySQL and MariaDB keep no version, so nothing is remembered there")


def shopper():
    """Return a client with a red thing of ten pounds in the cart, that goes to London."""
    user = buyer()
    variant = VariantFactory(price_minor=1000, weight_grams=500)
    colour = Option.objects.create(product=variant.product, name="Colour")
    variant.option_values.add(OptionValue.objects.create(option=colour, value="Red"))
    client = client_of(user)
    body = {"variant_id": variant.pk, "quantity": 1}
    assert client.post("/api/cart/", body, format="json").status_code == 200
    return client


def shown(client):
    cart = payload_of(client.get("/api/cart/"))
    [item] = cart["items"]
    return cart["shipping"], cart["tax"], item["options"]


CHANGES = {
    "a method's price": (
        lambda: ShippingMethod.objects.update(price_minor=700),
        ("7.00", "2.83", {"Colour": "Red"}),
    ),
    "a method that ends": (
        lambda: ShippingMethod.objects.filter(code="main").update(is_active=False),
        ("9.00", "3.17", {"Colour": "Red"}),
    ),
    "a rate by weight": (
        lambda: ShippingRate.objects.create(
            method=ShippingMethod.objects.get(code="main"), from_weight_grams=500, price_minor=800
        ),
        ("8.00", "3.00", {"Colour": "Red"}),
    ),
    "a method's zones": (
        lambda: ShippingMethod.objects.get(code="main").zones.set([ZoneFactory(areas=["US"]).pk]),
        ("9.00", "3.17", {"Colour": "Red"}),
    ),
    "a zone's areas": (
        lambda: ZoneArea.objects.filter(country="GB").delete(),
        ("9.00", "3.17", {"Colour": "Red"}),
    ),
    "a tax rate": (
        lambda: TaxRate.objects.update(rate_ppm=100_000),
        ("5.00", "1.36", {"Colour": "Red"}),
    ),
    "the name of an option": (
        lambda: Option.objects.update(name="Farbe"),
        ("5.00", "2.50", {"Farbe": "Red"}),
    ),
    "a choice": (
        lambda: OptionValue.objects.update(value="Blue"),
        ("5.00", "2.50", {"Colour": "Blue"}),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_by_the_next_look_at_the_cart(name, settings):
    settings.SHIPPING_TAX_CLASS = TaxRateFactory().tax_class.code
    ShippingMethodFactory(code="main", price_minor=500, zones=[ZoneFactory(areas=["GB"])])
    ShippingMethodFactory(code="dear", price_minor=900)
    client = shopper()
    before = [shown(client), shown(client)]

    change, after = CHANGES[name]
    change()

    assert before == [("5.00", "2.50", {"Colour": "Red"})] * 2
    assert shown(client) == after


def test_what_was_read_of_this_version_is_not_read_again(django_assert_num_queries):
    ShippingMethodFactory()
    client = shopper()
    shown(client)

    with django_assert_num_queries(1):  # the cart; nobody's token is looked up here
        shown(client)


def test_an_order_is_placed_by_what_its_transaction_reads():
    ShippingMethodFactory(price_minor=500)
    client = shopper()
    shown(client)
    if connection.vendor == "postgresql":  # a change that tells nobody
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE shipping_shippingmethod DISABLE TRIGGER USER")
            cursor.execute("UPDATE shipping_shippingmethod SET price_minor = 600")
    else:
        ShippingMethod.objects.update(price_minor=600)

    placed = payload_of(client.post("/api/orders/", {}, format="json"))

    assert placed["shipping"] == "6.00"


@pytest.mark.parametrize("table", TABLES)
def test_sql_by_hand_moves_the_version(table):
    zone = ZoneFactory(areas=["GB"])
    ShippingMethodFactory(zones=[zone], rates={2000: 899})
    TaxRateFactory()
    before = version.current()

    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET id = id")

    assert version.current() != before
