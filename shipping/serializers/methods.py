"""Shapes of zones and methods."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from shipping.serializers.fields import (
    CountryField,
    FlagField,
    LineField,
    OptionalLineField,
)
from shop_backend.kernel.converters import MAX_ID
from shop_backend.kernel.fields import MoneyField, WholeSerializer

MAX_WEIGHT_GRAMS = 2**31 - 1
MAX_DELIVERY_DAYS = 365
MAX_AREAS = 500
MAX_ZONES = 100
MAX_RATES = 100


class ZoneAreaSerializer(WholeSerializer):
    """A country, or one region of it."""

    country = CountryField()
    region = OptionalLineField(max_length=100, help_text="Empty: the whole country.")

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        # In a PATCH even what has a default may be absent.
        return {"region": "", **super().validate(attrs)}


class ZoneSerializer(serializers.Serializer):
    """Countries and regions that are served alike."""

    id = serializers.IntegerField(read_only=True)
    name = LineField(max_length=100)
    areas = ZoneAreaSerializer(many=True, max_length=MAX_AREAS)  # type: ignore[call-arg]  # the list's argument

    def validate_areas(self, areas: list[dict[str, str]]) -> list[dict[str, str]]:
        places = {(area["country"], area["region"].casefold()) for area in areas}
        if len(places) < len(areas):
            raise serializers.ValidationError("An area is named twice.", "duplicate_area")
        return areas


class ShippingRateSerializer(WholeSerializer):
    """The price from a weight on, until the next rate."""

    from_weight_grams = serializers.IntegerField(min_value=1, max_value=MAX_WEIGHT_GRAMS)
    price = MoneyField(source="price_minor")


class ShippingMethodSerializer(serializers.Serializer):
    """A way of sending, its price, and the baskets it takes (bounds included)."""

    id = serializers.IntegerField(read_only=True)
    name = LineField(max_length=100)
    code = serializers.SlugField(max_length=50)
    description = OptionalLineField(max_length=300)
    price = MoneyField(source="price_minor", help_text="Up to the first of the rates.")
    rates = ShippingRateSerializer(  # type: ignore[call-arg]  # the list's argument
        many=True,
        required=False,
        max_length=MAX_RATES,
        help_text="By weight, the lightest first; the last that the basket reaches holds.",
    )
    free_from_subtotal = MoneyField(
        source="free_from_subtotal_minor",
        default=None,
        allow_null=True,
        help_text="Costs nothing from this subtotal on; null: never.",
    )
    currency = serializers.CharField(read_only=True)
    is_active = FlagField(default=True)
    position = serializers.IntegerField(default=0, min_value=0, max_value=32767)
    zones = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        default=list,
        max_length=MAX_ZONES,
        source="zone_ids",
        help_text="Ids of zones; empty: everywhere.",
    )
    min_subtotal = MoneyField(source="min_subtotal_minor", default=None, allow_null=True)
    max_subtotal = MoneyField(source="max_subtotal_minor", default=None, allow_null=True)
    min_weight_grams = serializers.IntegerField(
        default=None, allow_null=True, min_value=0, max_value=MAX_WEIGHT_GRAMS
    )
    max_weight_grams = serializers.IntegerField(
        default=None, allow_null=True, min_value=0, max_value=MAX_WEIGHT_GRAMS
    )
    min_days = serializers.IntegerField(default=1, min_value=0, max_value=MAX_DELIVERY_DAYS)
    max_days = serializers.IntegerField(default=5, min_value=0, max_value=MAX_DELIVERY_DAYS)

    def validate_rates(self, rates: list[dict[str, int]]) -> list[dict[str, int]]:
        if len({rate["from_weight_grams"] for rate in rates}) < len(rates):
            raise serializers.ValidationError("A weight is named twice.", "duplicate_rate")
        return rates

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for least, most, field in (
            ("min_subtotal_minor", "max_subtotal_minor", "max_subtotal"),
            ("min_weight_grams", "max_weight_grams", "max_weight_grams"),
            ("min_days", "max_days", "max_days"),
        ):
            low = attrs.get(least, getattr(self.instance, least, None))
            high = attrs.get(most, getattr(self.instance, most, None))
            if low is not None and high is not None and low > high:
                raise serializers.ValidationError(
                    {
                        field: ErrorDetail(
                            "The upper bound is below the lower one.", "bounds_crossed"
                        )
                    }
                )
        return attrs
