"""What is written out for speed says what the serializers and querysets of the shop say."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cart import selectors
from cart.charges import get_charges
from cart.models import Cart, CartLine
from cart.representing import represent
from cart.serializers import CartSerializer
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog import selectors as catalog
from catalog.models import Option, OptionValue, Product, Variant
from catalog.tests.factories import VariantFactory
from inventory import selectors as inventory
from inventory.models import StockItem
from orders.tests.trade import buyer
from shipping import selectors as shipping
from shipping.models import ShippingMethod, ShippingRate, Zone, ZoneArea
from shop_backend.kernel import jsontext
from shop_backend.kernel.money import Money

MAYBE_MINOR = st.none() | st.integers(0, 5_000)
MAYBE_GRAMS = st.none() | st.integers(0, 3_000)
PLACES = st.sampled_from(["", "GB", "US", "US/CA", "US/ny"])


def as_json(payload: Any) -> Any:
    return orjson.loads(jsontext.dumps(payload))


@st.composite
def lines(draw: Any) -> dict[str, Any]:
    return {
        "stock": draw(st.integers(0, 5)),
        "quantity": draw(st.integers(1, 7)),
        "price_minor": draw(st.integers(1, 9_999)),
        "was_minor": draw(st.none() | st.integers(1, 9_999)),
        "is_tracked": draw(st.booleans()),
        "is_active": draw(st.booleans()),
        "options": draw(st.integers(0, 2)),
        "until": draw(st.sampled_from([None, -1, 1])),
    }


def add_line(cart: Cart, wanted: dict[str, Any]) -> None:
    variant: Any = VariantFactory(
        stock=wanted["stock"],
        price_minor=wanted["price_minor"],
        is_active=wanted["is_active"],
    )
    StockItem.objects.filter(pk=variant.stock_item_id).update(is_tracked=wanted["is_tracked"])
    if wanted["until"] is not None:
        until = timezone.now() + timedelta(hours=wanted["until"])
        Product.objects.filter(pk=variant.product_id).update(published_until=until)
    for position in range(wanted["options"]):
        option = Option.objects.create(
            product=variant.product, name=f"O{position}", position=-position % 5
        )
        variant.option_values.add(OptionValue.objects.create(option=option, value="V"))
    CartLine.objects.create(
        cart=cart,
        variant=variant,
        quantity=wanted["quantity"],
        seen_price_minor=wanted["was_minor"] or wanted["price_minor"],
    )


class TestAnyCart(TestCase):
    @settings(max_examples=15, deadline=None)
    @given(st.lists(lines(), max_size=4), st.booleans(), st.booleans())
    def test_it_is_written_as_its_serializer_writes_it(self, wanted, with_coupon, with_tax):
        user = buyer()
        cart = Cart.objects.create(user=user, open_for=user.pk)
        for line in wanted:
            add_line(cart, line)
        if with_coupon:
            Cart.objects.filter(pk=cart.pk).update(coupon=CouponFactory())
        if with_tax:
            TaxRateFactory()

        summary = selectors.get_summary(user=user, now=timezone.now())

        assert as_json(represent(summary)) == as_json(CartSerializer(summary).data)
        # And what was read without models is what the models say.
        assert [line.line.pk for line in summary.lines] == [
            line.pk for line in cart.lines.order_by("pk")
        ]
        known = {line.pk: line for line in cart.lines.with_variants()}
        for line in summary.lines:
            model: Any = known[line.line.pk]
            assert line.goods.options == catalog.describe_options(model.variant)
            item_id = model.variant.stock_item_id
            assert line.line.sellable == inventory.get_availability([item_id])[item_id]
            for_sale = Variant.objects.for_sale().filter(pk=model.variant_id)
            assert line.line.is_for_sale == for_sale.exists()


@st.composite
def methods(draw: Any) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    for measure, values in (("subtotal_minor", MAYBE_MINOR), ("weight_grams", MAYBE_GRAMS)):
        low, high = draw(values), draw(values)
        if low is not None and high is not None and low > high:
            low, high = high, low
        bounds |= {f"min_{measure}": low, f"max_{measure}": high}
    return {
        **bounds,
        "price_minor": draw(st.integers(0, 999)),
        "free_from_subtotal_minor": draw(MAYBE_MINOR),
        "position": draw(st.integers(0, 2)),
        "is_active": draw(st.booleans()),
        "places": draw(st.lists(PLACES, max_size=2, unique=True)),
        "rates": draw(st.dictionaries(st.integers(1, 3_000), st.integers(0, 999), max_size=3)),
    }


def add_method(number: int, wanted: dict[str, Any]) -> None:
    wanted = dict(wanted)
    places, rates = wanted.pop("places"), wanted.pop("rates")
    method = ShippingMethod.objects.create(name=f"M{number}", code=f"m{number}", **wanted)
    for place in filter(None, places):
        zone, _ = Zone.objects.get_or_create(name=place)
        country, _, region = place.partition("/")
        ZoneArea.objects.get_or_create(zone=zone, country=country, region=region)
        method.zones.add(zone)
    for grams, minor in rates.items():
        ShippingRate.objects.create(method=method, from_weight_grams=grams, price_minor=minor)


class TestAnyMethods(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(methods(), max_size=4),
        st.sampled_from([("GB", ""), ("US", "CA"), ("US", "ca"), ("US", "NY"), ("DE", "")]),
        st.integers(0, 6_000),
        st.integers(0, 4_000),
    )
    def test_a_cart_is_offered_what_the_quotes_offer(self, wanted, place, minor, grams):
        for number, method in enumerate(wanted):
            add_method(number, method)
        country, region = place
        subtotal = Money(minor, "GBP")
        destination = {"country": country, "region": region}

        charges = get_charges(destination=destination, place=None)
        offers = charges.get_offers(subtotal=subtotal, weight_grams=grams)

        quotes = shipping.get_quotes(
            country=country,
            region=region,
            subtotal=subtotal,
            weight_grams=grams,
            today=timezone.now().date(),
        )
        assert [(method.pk, method.name, price) for method, price in offers] == [
            (quote.method.pk, quote.method.name, quote.price) for quote in quotes
        ]
        assert charges.has_methods == ShippingMethod.objects.filter(is_active=True).exists()


@pytest.mark.django_db
@pytest.mark.portable
def test_a_regions_tax_beats_its_countrys_and_the_default_class_is_known():
    rate = TaxRateFactory(country="US", name="Country", rate_ppm=1)
    TaxRateFactory(country="US", region="CA", name="Region", rate_ppm=2)
    TaxRateFactory(country="US", region="NY", name="Another", rate_ppm=3)

    found = get_charges(destination=None, place={"country": "us", "region": " ca "}).rates

    assert found.of(None).name == found.of(rate.tax_class_id).name == "Region"
    assert found.of(rate.tax_class_id + 1).rate_ppm == 0
