"""Shapes of quotes."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from shipping.serializers.fields import (
    CountryField,
    LineField,
    OptionalLineField,
)
from shipping.serializers.methods import MAX_WEIGHT_GRAMS
from shop_backend.kernel.converters import MAX_ID
from shop_backend.kernel.fields import IdOrSlugField, MoneyField


class DestinationSerializer(serializers.Serializer):
    """What of an address decides about sending; a whole address may be sent."""

    country = CountryField()
    region = OptionalLineField(max_length=100)


class BasketItemSerializer(serializers.Serializer):
    """So many units of one thing, named by product (id or slug), variant or SKU."""

    product_id = IdOrSlugField(required=False)
    product = IdOrSlugField(required=False)
    variant_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    sku = LineField(required=False, max_length=64)
    quantity = serializers.IntegerField(min_value=1, max_value=settings.MAX_LINE_QUANTITY)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs.keys() - {"quantity"}) != 1:
            raise serializers.ValidationError(
                "Name exactly one of product_id, product, variant_id and sku.", "item_required"
            )
        return attrs


class QuoteRequestSerializer(serializers.Serializer):
    """A place and a basket: its items, or just its price and weight, or (signed in) the cart."""

    address = DestinationSerializer(required=False)
    address_id = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_ID, help_text="From the caller's address book."
    )
    items = BasketItemSerializer(  # type: ignore[call-arg]  # the list's arguments
        many=True, required=False, allow_empty=False, max_length=settings.MAX_CART_LINES
    )
    subtotal = MoneyField(required=False)
    weight_grams = serializers.IntegerField(required=False, min_value=0, max_value=MAX_WEIGHT_GRAMS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "address" in attrs and "address_id" in attrs:
            raise serializers.ValidationError(
                "Name either an address_id or an address.", "address_ambiguous"
            )
        if ("subtotal" in attrs) != ("weight_grams" in attrs):
            raise serializers.ValidationError(
                "subtotal and weight_grams are sent together.", "basket_incomplete"
            )
        if "subtotal" in attrs and "items" in attrs:
            raise serializers.ValidationError(
                "Send either items or subtotal and weight_grams.", "basket_ambiguous"
            )
        return attrs


class QuoteSerializer(serializers.Serializer):
    """A method that serves the place and takes the basket."""

    method_id = serializers.IntegerField(source="method.pk")
    code = serializers.CharField(source="method.code")
    name = serializers.CharField(source="method.name")
    description = serializers.CharField(source="method.description")
    price = MoneyField()
    currency = serializers.CharField(source="price.currency")
    earliest = serializers.DateField()
    latest = serializers.DateField()
