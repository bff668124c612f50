"""Tax, as customers see it: in the cart and on the order."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from cart.models import TaxRate
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.models import TaxClass
from catalog.tests.factories import ProductFactory, VariantFactory
from orders.models import Order
from orders.tests.trade import buyer, client_of, pay, place, try_to_place
from shipping.tests.factories import ShippingMethodFactory
from tests.faces import payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

ADDRESS = {
    "full_name": "Ada",
    "line1": "1 Lane",
    "city": "Springfield",
    "postal_code": "10115",
    "country": "US",
    "region": "",
}


@pytest.fixture
def exclusive(settings):
    settings.PRICES_INCLUDE_TAX = False


def cart_of(user, *wanted):
    client = client_of(user)
    for variant, quantity in wanted:
        body = {"variant_id": variant.pk, "quantity": quantity}
        assert client.post("/api/cart/", body, format="json").status_code == 200
    return payload_of(client.get("/api/cart/"))


def amounts(data):
    return data["subtotal"], data["discount"], data["shipping"], data["tax"], data["total"]


def test_an_inclusive_price_contains_its_tax():
    TaxRateFactory()

    data = cart_of(buyer(), (VariantFactory(price_minor=1200), 1))

    assert amounts(data) == ("12.00", "0.00", "0.00", "2.00", "12.00")
    assert data["is_tax_included"] is True
    item = data["items"][0]
    assert (item["tax"], item["tax_rate"], item["tax_name"]) == ("2.00", "20", "VAT 20 %")


@pytest.mark.usefixtures("exclusive")
def test_an_exclusive_price_gets_its_tax_on_top():
    TaxRateFactory()

    data = cart_of(buyer(), (VariantFactory(price_minor=1200), 1))

    assert amounts(data) == ("12.00", "0.00", "0.00", "2.40", "14.40")
    assert data["is_tax_included"] is False


def test_without_a_destination_inclusive_prices_show_the_shops_own_tax():
    TaxRateFactory(country="GB")

    data = cart_of(UserFactory(), (VariantFactory(price_minor=1200), 1))

    assert (data["shipping_address"], data["tax"], data["total"]) == (None, "2.00", "12.00")


@pytest.mark.usefixtures("exclusive")
def test_without_a_destination_exclusive_prices_have_no_tax_yet():
    TaxRateFactory(country="GB")

    data = cart_of(UserFactory(), (VariantFactory(price_minor=1200), 1))

    assert (data["tax"], data["total"]) == ("0.00", "12.00")


@pytest.mark.usefixtures("exclusive")
def test_what_is_never_sent_is_taxed_where_the_shop_is():
    TaxRateFactory(country="GB")
    variant = VariantFactory(price_minor=1200)
    variant.stock_item.is_tracked = False
    variant.stock_item.save(update_fields=["is_tracked"])

    order = place(UserFactory(), (variant, 1))

    assert (order.tax_minor, order.total_minor) == (240, 1440)


@pytest.mark.usefixtures("exclusive")
def test_another_address_has_another_tax_and_a_region_beats_its_country():
    user = UserFactory()
    TaxRateFactory(country="US", rate_ppm=50_000, name="Federal")
    TaxRateFactory(country="US", region="NY", rate_ppm=88_750, name="NY 8.875 %")
    TaxRateFactory(country="DE", rate_ppm=190_000, name="MwSt. 19 %")
    cart_of(user, (VariantFactory(price_minor=10_000), 1))
    client = client_of(user)

    seen = []
    for country, region in [("US", "ny "), ("US", "TX"), ("DE", "NY"), ("FR", "")]:
        address = {**ADDRESS, "country": country, "region": region}
        data = payload_of(client.put("/api/cart/shipping/", {"address": address}, format="json"))
        seen.append((data["tax"], data["items"][0]["tax_name"], data["total"]))

    assert seen == [
        ("8.88", "NY 8.875 %", "108.88"),
        ("5.00", "Federal", "105.00"),
        ("19.00", "MwSt. 19 %", "119.00"),
        ("0.00", "", "100.00"),
    ]


def test_each_class_has_its_own_rate():
    TaxRateFactory()
    books = TaxClass.objects.create(code="books", name="Books")
    TaxRateFactory(tax_class=books, rate_ppm=0, name="Zero rated")
    food = TaxClass.objects.create(code="food", name="Food")
    variants = [
        VariantFactory(price_minor=1200),
        VariantFactory(price_minor=1200, product=ProductFactory(tax_class=books)),
        VariantFactory(price_minor=1200, product=ProductFactory(tax_class=food)),
    ]

    data = cart_of(buyer(), *((variant, 1) for variant in variants))

    assert [item["tax"] for item in data["items"]] == ["2.00", "0.00", "0.00"]
    assert [item["tax_name"] for item in data["items"]] == ["VAT 20 %", "Zero rated", ""]
    assert data["tax"] == "2.00"


@pytest.mark.usefixtures("exclusive")
def test_shipping_is_taxed_as_its_class_says(settings):
    TaxRateFactory()
    ShippingMethodFactory(price_minor=500)
    user, variant = buyer(), VariantFactory(price_minor=1000)

    taxed = cart_of(user, (variant, 1))
    settings.SHIPPING_TAX_CLASS = ""
    untaxed = cart_of(user, (variant, 1))

    assert (taxed["tax"], taxed["total"]) == ("3.00", "18.00")
    assert (untaxed["tax"], untaxed["total"]) == ("2.00", "17.00")


def test_tax_falls_on_what_is_left_after_the_discount():
    TaxRateFactory()
    order = place(buyer(), (VariantFactory(price_minor=1200), 1), coupon=CouponFactory().code)

    assert (order.discount_minor, order.tax_minor, order.total_minor) == (120, 180, 1080)


@pytest.mark.parametrize("is_included", [True, False])
def test_the_order_keeps_rate_and_name_and_adds_up(settings, is_included):
    settings.PRICES_INCLUDE_TAX = is_included
    TaxRateFactory(rate_ppm=175_000, name="VAT 17.5 %")
    ShippingMethodFactory(price_minor=399)
    user = buyer()
    wanted = [(VariantFactory(price_minor=price), 3) for price in (333, 101, 7)]
    shown = cart_of(user, *wanted)

    response = client_of(user).post(
        "/api/orders/", {"expected_total": shown["total"]}, format="json"
    )
    TaxRate.objects.all().delete()
    order = Order.objects.get()
    pay(order)

    data = payload_of(client_of(user).get(f"/api/orders/{order.number}/"))
    assert response.status_code == 201
    assert amounts(data) == amounts(shown)
    assert data["is_tax_included"] is is_included
    assert {(line["tax_rate"], line["tax_name"]) for line in data["lines"]} == {
        ("17.5", "VAT 17.5 %")
    }
    order.refresh_from_db()
    shares = sum(line.tax_minor for line in order.lines.all())
    assert shares + order.shipping_tax_minor == order.tax_minor > order.shipping_tax_minor > 0
    assert (order.shipping_tax_rate_ppm, order.shipping_tax_name) == (175_000, "VAT 17.5 %")
    assert (order.captured_minor, order.status) == (order.total_minor, "paid")


@pytest.mark.parametrize(
    ("currency", "price", "tax", "total"),
    [("GBP", 1999, "4.00", "23.99"), ("JPY", 1999, "400", "2399"), ("KWD", 1999, "0.400", "2.399")],
)
@pytest.mark.usefixtures("exclusive")
def test_every_currency_is_taxed_to_its_last_decimal(settings, currency, price, tax, total):
    settings.SHOP_CURRENCY = currency
    TaxRateFactory()

    order = place(buyer(), (VariantFactory(price_minor=price), 1))

    data = payload_of(client_of(order.customer).get(f"/api/orders/{order.number}/"))
    assert (data["currency"], data["tax"], data["total"]) == (currency, tax, total)


def test_a_price_without_rates_is_what_it_was():
    data = cart_of(buyer(), (VariantFactory(price_minor=1200), 2))

    assert amounts(data) == ("24.00", "0.00", "0.00", "0.00", "24.00")


def test_a_purchase_of_twenty_lines_asks_no_more_than_one_of_two():
    TaxRateFactory()
    coupon, user = CouponFactory(), buyer()

    def count(lines):
        wanted = [(VariantFactory(), 1) for _ in range(lines)]
        with CaptureQueriesContext(connection) as queries:
            assert try_to_place(user, *wanted, coupon=coupon.code).status_code == 201
        # Stock is moved item by item, in order: that is the inventory's, not the prices'.
        return len([q for q in queries if "inventory_" not in q["sql"]])

    place(user, (VariantFactory(), 1), coupon=coupon.code)  # what is read once a process

    assert count(2) == count(20)
