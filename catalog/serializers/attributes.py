"""Attributes and prices, in and out."""

from typing import Any

from rest_framework import serializers

from catalog.models import Attribute, PriceChange
from catalog.serializers import fields
from shop_backend.kernel.fields import MoneyField


class AttributeSerializer(serializers.ModelSerializer[Attribute]):
    code = serializers.CharField()

    class Meta:
        model = Attribute
        fields = ["id", "code", "name", "kind"]


class AttributeRequestSerializer(serializers.Serializer[Any]):
    code = fields.CodeField()
    name = fields.LineField(max_length=100)
    kind = serializers.ChoiceField(choices=Attribute.Kind.choices, required=False)


class PriceChangeSerializer(serializers.ModelSerializer[PriceChange]):
    """What a variant cost from ``created_at`` until its next row."""

    variant = serializers.IntegerField(source="variant_id")
    sku = serializers.CharField(source="variant.sku")
    price = MoneyField(source="price_minor")
    compare_at_price = MoneyField(source="compare_at_minor", allow_null=True)
    actor_id = serializers.IntegerField(
        allow_null=True, help_text="Who set it; null: an import, or the shop itself."
    )

    class Meta:
        model = PriceChange
        fields = [
            "id",
            "variant",
            "sku",
            "price",
            "compare_at_price",
            "currency",
            "actor_id",
            "created_at",
        ]
