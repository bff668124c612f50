"""Facet counts, out."""

from typing import Any

from rest_framework import serializers

from catalog.models import Attribute
from shop_backend.kernel.fields import MoneyField


class _CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="How many products choosing it leaves.")


class CategoryCountSerializer(_CountSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()


class CategoryFacetSerializer(serializers.Serializer[Any]):
    """The categories directly below the one asked for, or at the top, with what is below them."""

    values = CategoryCountSerializer(many=True)
    truncated = serializers.BooleanField(help_text="Whether there are more values than shown.")


class AttributeCountSerializer(_CountSerializer):
    value = serializers.CharField()


class AttributeFacetSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Attribute.Kind.choices)
    values = AttributeCountSerializer(many=True)
    truncated = serializers.BooleanField(help_text="Whether there are more values than shown.")


class AvailabilityCountSerializer(_CountSerializer):
    value = serializers.BooleanField(help_text="For `in_stock`.")


class AvailabilityFacetSerializer(serializers.Serializer[Any]):
    values = AvailabilityCountSerializer(many=True)


class PriceCountSerializer(_CountSerializer):
    min = MoneyField(help_text="For `min_price`.")
    max = MoneyField(help_text="For `max_price`.")


class PriceFacetSerializer(serializers.Serializer[Any]):
    """A few ranges with about as many products each, ends included."""

    currency = serializers.CharField()
    min = MoneyField(allow_null=True, help_text="The lowest price; null: nothing matched.")
    max = MoneyField(allow_null=True, help_text="The highest.")
    values = PriceCountSerializer(many=True)


class RatingCountSerializer(_CountSerializer):
    min_rating = serializers.IntegerField(help_text="So many stars or more.")


class RatingFacetSerializer(serializers.Serializer[Any]):
    values = RatingCountSerializer(many=True)


class FacetsSerializer(serializers.Serializer[Any]):
    """What `?facets=1` adds to the list of products; each obeys all filters but its own."""

    category = CategoryFacetSerializer()
    attributes = AttributeFacetSerializer(many=True)
    attributes_truncated = serializers.BooleanField(
        help_text="Whether there are more attributes than shown."
    )
    in_stock = AvailabilityFacetSerializer()
    price = PriceFacetSerializer()
    rating = RatingFacetSerializer()
