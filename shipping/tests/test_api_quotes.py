"""What sending would cost."""

from collections.abc import Iterator
from datetime import date

import pytest
from django.test import override_settings

from accounts.tests.factories import UserFactory
from shipping import selectors
from shipping.ports import Basket, baskets
from shipping.tests.factories import AddressFactory, ShippingMethodFactory, ZoneFactory
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 11, 20)


class Scales:
    """Stands for the cart: every basket is 30.00 and 2 kg, and what was asked is kept."""

    def __init__(self, *, needs_shipping: bool = True) -> None:
        self.basket = Basket(Money(3000, "GBP"), 2000, needs_shipping)
        self.asked: list = []

    def weigh(self, *, user, items):
        self.asked.append((user, items))
        return self.basket


@pytest.fixture
def scales() -> Iterator[Scales]:
    upper_floor = Scales()
    with baskets.answered_by(upper_floor):
        yield upper_floor


def quote(client: ShopClient, **body):
    return client.post("/shipping/quotes/", body)


def codes(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [offer["code"] for offer in response.json()]


GB = {"country": "GB"}
SMALL = {"subtotal": "20.00", "weight_grams": 500}


@pytest.mark.portable
@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_anyone_gets_the_methods_for_a_place_and_a_basket_cheapest_first(prefix, slash):
    dear = ShippingMethodFactory(code="dear", price_minor=999, name="Express", min_days=0)
    cheap = ShippingMethodFactory(code="cheap", price_minor=499, description="By post.")

    response = ShopClient().post(f"{prefix}/shipping/quotes{slash}", {"address": GB, **SMALL})

    assert response.status_code == 200
    offers = response.json()["data"] if prefix else response.json()
    assert offers == [
        {
            "method_id": cheap.pk,
            "code": "cheap",
            "name": "Standard",
            "description": "By post.",
            "price": "4.99",
            "currency": "GBP",
            "earliest": offers[0]["earliest"],
            "latest": offers[0]["latest"],
        },
        {
            "method_id": dear.pk,
            "code": "dear",
            "name": "Express",
            "description": "",
            "price": "9.99",
            "currency": "GBP",
            "earliest": offers[1]["earliest"],
            "latest": offers[1]["latest"],
        },
    ]
    assert offers[1]["earliest"] < offers[0]["latest"]


@pytest.mark.portable
def test_a_method_serves_its_zones_alone():
    ShippingMethodFactory(code="world")
    ShippingMethodFactory(code="islands", zones=[ZoneFactory(areas=["GB", "IE"])])
    ShippingMethodFactory(
        code="west", zones=[ZoneFactory(areas=[("US", "CA")]), ZoneFactory(areas=["MX"])]
    )
    ShippingMethodFactory(code="nowhere", zones=[ZoneFactory()])
    client = ShopClient()

    def served(**place):
        return set(codes(quote(client, address=place, **SMALL)))

    assert served(country="gb") == {"world", "islands"}
    assert served(country="GB", region="Kent") == {"world", "islands"}
    assert served(country="US") == {"world"}
    assert served(country="US", region="NY") == {"world"}
    assert served(country="US", region=" ca ") == {"world", "west"}
    assert served(country="MX", region="CA") == {"world", "west"}
    assert served(country="FR") == {"world"}


@pytest.mark.portable
@pytest.mark.parametrize(
    ("subtotal", "weight_grams", "is_offered"),
    [
        ("10.00", 100, True),
        ("50.00", 2000, True),
        ("9.99", 100, False),
        ("50.01", 100, False),
        ("10.00", 99, False),
        ("10.00", 2001, False),
    ],
)
def test_the_bounds_of_a_method_include_themselves(subtotal, weight_grams, is_offered):
    ShippingMethodFactory(
        code="parcel",
        min_subtotal_minor=1000,
        max_subtotal_minor=5000,
        min_weight_grams=100,
        max_weight_grams=2000,
    )

    response = quote(ShopClient(), address=GB, subtotal=subtotal, weight_grams=weight_grams)

    assert codes(response) == (["parcel"] if is_offered else [])


def test_inactive_methods_and_foreign_prices_are_not_offered():
    ShippingMethodFactory(is_active=False)
    ShippingMethodFactory(currency="EUR")

    assert codes(quote(ShopClient(), address=GB, **SMALL)) == []


def test_among_equal_prices_the_position_decides():
    for code, position in (("third", 3), ("first", 1), ("second", 2)):
        ShippingMethodFactory(code=code, position=position)

    assert codes(quote(ShopClient(), address=GB, **SMALL)) == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("start", "business_days", "expected"),
    [
        (FRIDAY, 0, FRIDAY),
        (FRIDAY, 1, date(2026, 11, 23)),
        (FRIDAY, 5, date(2026, 11, 27)),
        (FRIDAY, 6, date(2026, 11, 30)),
        (date(2026, 11, 21), 0, date(2026, 11, 23)),
        (date(2026, 11, 22), 1, date(2026, 11, 24)),
        (date(2026, 11, 16), 2, date(2026, 11, 18)),
        (date(2026, 12, 31), 1, date(2027, 1, 1)),
    ],
)
def test_a_delivery_is_counted_in_business_days(start, business_days, expected):
    assert selectors.get_delivery_date(start, business_days=business_days) == expected


def test_a_quote_names_the_earliest_and_the_latest_day():
    ShippingMethodFactory(min_days=1, max_days=6)

    [offer] = selectors.get_quotes(
        country="GB", region="", subtotal=Money(1, "GBP"), weight_grams=0, today=FRIDAY
    )

    assert offer.price == Money(499, "GBP")
    assert (offer.earliest, offer.latest) == (date(2026, 11, 23), date(2026, 11, 30))


def test_items_are_weighed_by_whoever_knows_them(scales):
    ShippingMethodFactory(code="to-2kg", max_weight_grams=2000)
    ShippingMethodFactory(code="to-1999g", max_weight_grams=1999)

    response = quote(
        ShopClient(),
        address=GB,
        items=[{"product_id": "red-lamp", "quantity": 2}, {"product": "7", "quantity": 1}],
    )

    assert codes(response) == ["to-2kg"]
    [(user, items)] = scales.asked
    assert not user.is_authenticated
    assert items == [{"product_id": "red-lamp", "quantity": 2}, {"product": 7, "quantity": 1}]


def test_without_items_the_callers_cart_is_weighed(scales):
    ShippingMethodFactory(code="post")
    address = AddressFactory()
    client = ShopClient()
    client.force_authenticate(address.user)

    assert codes(quote(client, address_id=address.pk)) == ["post"]
    assert scales.asked == [(address.user, None)]


def test_without_a_place_the_default_address_is_meant(scales):
    address = AddressFactory(is_default=True, country="GB")
    ShippingMethodFactory(code="islands", zones=[ZoneFactory(areas=["GB"])])
    client = ShopClient()
    client.force_authenticate(address.user)

    assert codes(quote(client)) == ["islands"]


def test_what_needs_no_shipping_has_no_quotes():
    ShippingMethodFactory()

    with baskets.answered_by(Scales(needs_shipping=False)):
        response = quote(ShopClient(), address=GB, items=[{"sku": "PDF", "quantity": 1}])

    assert codes(response) == []


def test_another_customers_address_is_not_there(scales):
    client = ShopClient()
    client.force_authenticate(UserFactory())

    response = quote(client, address_id=AddressFactory().pk)

    assert response.status_code == 404
    assert response.json()["code"] == "address_not_found"


def test_an_address_book_needs_a_token(scales):
    response = quote(ShopClient(), address_id=AddressFactory().pk, **SMALL)

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    ("body", "code"),
    [({**SMALL}, "destination_required"), ({"address": GB}, "basket_required")],
)
def test_what_is_missing_is_named(body, code, scales):
    response = ShopClient().post("/api/shipping/quotes/", body)

    assert response.status_code == 400
    assert response.json()["code"] == code
    assert scales.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {"address": {"country": "XX"}, **SMALL},
        {"address": {}, **SMALL},
        {"address": "GB", **SMALL},
        {"address": GB, "address_id": 1, **SMALL},
        {"address_id": 0, **SMALL},
        {"address_id": 2**63, **SMALL},
        {"address": GB, "subtotal": "1.00"},
        {"address": GB, "weight_grams": 1},
        {"address": GB, "subtotal": "-1", "weight_grams": 1},
        {"address": GB, "subtotal": "1", "weight_grams": -1},
        {"address": GB, "subtotal": "1", "weight_grams": 2**31},
        {"address": GB, "subtotal": "1", "weight_grams": 1, "items": [{"sku": "A", "quantity": 1}]},
        {"address": GB, "items": []},
        {"address": GB, "items": {}},
        {"address": GB, "items": [1]},
        {"address": GB, "items": [{"quantity": 1}]},
        {"address": GB, "items": [{"sku": "A"}]},
        {"address": GB, "items": [{"sku": "A", "variant_id": 1, "quantity": 1}]},
        {"address": GB, "items": [{"sku": "A", "quantity": 0}]},
        {"address": GB, "items": [{"sku": "A", "quantity": True}]},
        {"address": GB, "items": [{"sku": "A", "quantity": 1.5}]},
        {"address": GB, "items": [{"sku": "A", "quantity": 10_001}]},
        {"address": GB, "items": [{"product_id": "x" * 221, "quantity": 1}]},
        {"address": GB, "items": [{"product_id": True, "quantity": 1}]},
        {"address": GB, "items": [{"variant_id": 2**63, "quantity": 1}]},
        {"address": GB, "items": [{"sku": "A", "quantity": 1}] * 101},
        [],
        [1],
    ],
)
def test_a_question_that_makes_no_sense_is_refused(body, scales):
    response = ShopClient().post("/api/shipping/quotes/", body)

    assert response.status_code == 400
    assert response.json()["success"] is False
    assert scales.asked == []


def test_quotes_take_as_many_queries_for_ten_methods_as_for_one(django_assert_num_queries):
    ShippingMethodFactory(zones=[ZoneFactory(areas=["GB"])])

    with django_assert_num_queries(2):
        quote(ShopClient(), address=GB, **SMALL)
    for _ in range(9):
        ShippingMethodFactory(zones=[ZoneFactory(areas=["GB"])])
    with django_assert_num_queries(2):
        assert len(codes(quote(ShopClient(), address=GB, **SMALL))) == 10


@pytest.mark.portable
@pytest.mark.parametrize(
    ("weight_grams", "subtotal", "price"),
    [
        (0, "10", "4.99"),
        (1999, "10", "4.99"),
        (2000, "10", "8.99"),
        (9999, "49.99", "8.99"),
        (10_000, "49.99", "19.00"),
        (2**31 - 1, "10", "19.00"),
        (0, "50", "0.00"),
        (10_000, "50", "0.00"),
    ],
)
def test_the_price_is_the_last_rate_that_the_basket_reaches(weight_grams, subtotal, price):
    # Entered in no order: the weights alone decide.
    ShippingMethodFactory(rates={10_000: 1900, 2000: 899}, free_from_subtotal_minor=5000)

    offers = quote(ShopClient(), address=GB, subtotal=subtotal, weight_grams=weight_grams).json()

    assert [offer["price"] for offer in offers] == [price]


def test_the_cheapest_comes_first_at_the_weight_of_this_basket():
    ShippingMethodFactory(code="letter", price_minor=100, rates={2000: 2000})
    ShippingMethodFactory(code="parcel", price_minor=500)
    client = ShopClient()

    assert codes(quote(client, address=GB, subtotal="5", weight_grams=10)) == ["letter", "parcel"]
    assert codes(quote(client, address=GB, subtotal="5", weight_grams=2000)) == [
        "parcel",
        "letter",
    ]


@override_settings(SHOP_CURRENCY="JPY")
def test_a_shop_in_yen_quotes_in_yen():
    ShippingMethodFactory(currency="JPY", price_minor=800)

    [offer] = quote(ShopClient(), address=GB, subtotal="5000", weight_grams=1).json()

    assert (offer["price"], offer["currency"]) == ("800", "JPY")
