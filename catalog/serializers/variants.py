"""Variants, in and out."""

from typing import Any

from drf_yasg.utils import swagger_serializer_method
from rest_framework import serializers

from catalog import selectors
from catalog.models import Variant
from catalog.serializers import fields
from catalog.services import NewVariant
from inventory.models import MAX_UNITS, SHOWN_TO_CUSTOMERS
from shop_backend.kernel.fields import MoneyField


def shown_stock(units: int | None, context: Any) -> int | None:
    """Return the units to show: staff see all of them, customers at most a hundred."""
    if units is None or context.get("is_insider"):
        return units
    return min(units, SHOWN_TO_CUSTOMERS)


class VariantSerializer(serializers.ModelSerializer[Variant]):
    price = MoneyField(source="price_minor")
    compare_at_price = MoneyField(
        source="compare_at_minor",
        allow_null=True,
        help_text="What it cost before, to be crossed out; null for none.",
    )
    stock = serializers.SerializerMethodField(
        help_text="Available units, for customers at most 100; null: not counted."
    )
    in_stock = serializers.SerializerMethodField()
    options = serializers.SerializerMethodField(help_text="The choice per option.")

    class Meta:
        model = Variant
        fields = [
            "id",
            "sku",
            "price",
            "compare_at_price",
            "currency",
            "stock",
            "in_stock",
            "options",
            "weight_grams",
            "is_active",
            "position",
        ]

    def get_stock(self, variant: Variant) -> int | None:
        return shown_stock(self.context["availability"][variant.stock_item_id], self.context)

    def get_in_stock(self, variant: Variant) -> bool:
        return self.context["availability"][variant.stock_item_id] != 0

    @swagger_serializer_method(serializers.DictField(child=serializers.CharField()))
    def get_options(self, variant: Variant) -> dict[str, str]:
        return selectors.describe_options(variant)


class StockField(serializers.IntegerField):
    """Available units; null says nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            min_value=0, max_value=MAX_UNITS, required=False, allow_null=True, **kwargs
        )


class VariantRequestSerializer(serializers.Serializer[Any]):
    sku = fields.LineField(
        max_length=fields.MAX_SKU, required=False, help_text="Made from the slug if left out."
    )
    price = MoneyField(source="price_minor")
    compare_at_price = fields.CompareAtField()
    stock = StockField()
    options = fields.OptionsField(required=False)
    weight_grams = serializers.IntegerField(
        min_value=0, max_value=fields.MAX_WEIGHT_GRAMS, required=False
    )
    is_active = serializers.BooleanField(required=False)

    @staticmethod
    def to_new_variant(validated: dict[str, Any]) -> NewVariant:
        """Return what the services understand."""
        return NewVariant(**validated)


class VariantChangeSerializer(VariantRequestSerializer):
    position = serializers.IntegerField(min_value=0, max_value=fields.MAX_POSITION, required=False)
