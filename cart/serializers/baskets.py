"""Shapes of carts."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from cart.models import Coupon
from cart.percent import PercentField
from catalog.selectors import VariantReference
from shipping.serializers import PostalAddressSerializer
from shop_backend.kernel.converters import MAX_ID
from shop_backend.kernel.fields import IdOrSlugField, MoneyField

_REFERENCE_FIELDS = ("variant_id", "product_id", "product", "sku")


class ItemSerializer(serializers.Serializer):
    """One thing to buy, named by product (id or slug), variant or SKU."""

    product_id = IdOrSlugField(required=False)
    product = IdOrSlugField(required=False)
    variant_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    sku = serializers.CharField(required=False, max_length=64)
    quantity = serializers.IntegerField(min_value=1, max_value=settings.MAX_LINE_QUANTITY)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in _REFERENCE_FIELDS if name in attrs]
        if len(named) != 1:
            raise serializers.ValidationError(
                "Name exactly one of product_id, product, variant_id and sku.", "item_required"
            )
        return attrs


class SetLineSerializer(ItemSerializer):
    """A line of the cart; quantity 0 removes it."""

    quantity = serializers.IntegerField(min_value=0, max_value=settings.MAX_LINE_QUANTITY)


class QuantitySerializer(serializers.Serializer):
    quantity = serializers.IntegerField(min_value=0, max_value=settings.MAX_LINE_QUANTITY)


class CartShippingSerializer(serializers.Serializer):
    """Where the cart goes, and how."""

    address_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    address = PostalAddressSerializer(required=False)
    method_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(
                "Name an address_id, an address or a method_id.", "shipping_required"
            )
        if "address" in attrs and "address_id" in attrs:
            raise serializers.ValidationError(
                "Name either an address_id or an address.", "address_ambiguous"
            )
        return attrs


class CartLineSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="line.pk")
    product_id = serializers.IntegerField(source="goods.product_id")
    product_slug = serializers.CharField(source="goods.slug")
    variant_id = serializers.IntegerField(source="goods.variant_id")
    sku = serializers.CharField(source="goods.sku")
    name = serializers.CharField(source="goods.name")
    options = serializers.DictField(child=serializers.CharField(), source="goods.options")
    price = MoneyField(source="goods.price")
    quantity = serializers.IntegerField(source="line.quantity")
    line_total = MoneyField(source="priced.line_total")
    discount = MoneyField(source="priced.discount")
    tax = MoneyField(source="priced.tax")
    tax_rate = PercentField(
        source="priced.rate.rate_ppm", decimals=4, help_text="In percent, such as 20 or 8.875."
    )
    tax_name = serializers.CharField(source="priced.rate.name")


class CartProblemSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    item_id = serializers.IntegerField(source="line_id", allow_null=True)


class CartCouponSerializer(serializers.Serializer):
    """The coupon on a cart; ``problems`` says why one is not applied."""

    code = serializers.CharField()
    kind = serializers.ChoiceField(choices=Coupon.Kind.choices)
    is_applied = serializers.BooleanField()


class CouponCodeSerializer(serializers.Serializer):
    """A code as the customer typed it, in any case."""

    code = serializers.CharField(max_length=64)


class CartShippingMethodSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    code = serializers.CharField()
    name = serializers.CharField()


class CartSerializer(serializers.Serializer):
    """The cart with what it would cost now."""

    items = CartLineSerializer(source="lines", many=True)
    currency = serializers.CharField(source="totals.subtotal.currency")
    subtotal = MoneyField(source="totals.subtotal")
    discount = MoneyField(source="totals.discount")
    shipping = MoneyField(source="totals.shipping")
    tax = MoneyField(source="totals.tax")
    is_tax_included = serializers.BooleanField(
        source="totals.is_tax_included",
        help_text="Whether prices contain the tax; if not, the total is so much more.",
    )
    total = MoneyField(source="totals.total")
    shipping_method = CartShippingMethodSerializer(source="totals.shipping_method", allow_null=True)
    shipping_address = PostalAddressSerializer(source="destination", allow_null=True)
    coupon = CartCouponSerializer(allow_null=True)
    problems = CartProblemSerializer(many=True)


def reference_of(item: dict[str, Any]) -> VariantReference:
    """Return what a validated item names."""
    if "variant_id" in item:
        return VariantReference(variant_id=item["variant_id"])
    if "sku" in item:
        return VariantReference(sku=item["sku"])
    return VariantReference(product_id=item.get("product_id", item.get("product")))
