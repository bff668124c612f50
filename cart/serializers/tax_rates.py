"""Shapes of tax rates."""

from typing import Any

from rest_framework import serializers

from cart.models.taxes import normalise_region
from cart.percent import PercentField
from shipping.serializers.fields import CountryField, LineField, OptionalLineField
from shop_backend.kernel.converters import MAX_ID

MAX_REGION = 100


class RegionField(OptionalLineField):
    """A region as customers write it, in any case; kept in capitals."""

    def to_internal_value(self, data: Any) -> str:
        region = normalise_region(super().to_internal_value(data))
        if len(region) > MAX_REGION:  # some letters become two
            self.fail("max_length", max_length=MAX_REGION)
        return region


class TaxRateSerializer(serializers.Serializer):
    """The tax on one class of goods in a country, or in one region of it."""

    id = serializers.IntegerField(read_only=True)
    tax_class = serializers.IntegerField(source="tax_class_id", min_value=1, max_value=MAX_ID)
    country = CountryField()
    region = RegionField(max_length=MAX_REGION, help_text="Empty: the whole country.")
    rate = PercentField(source="rate_ppm", decimals=4, help_text="In percent, such as 20 or 8.875.")
    name = LineField(max_length=100, help_text="As it stands on the order: VAT 20 %.")
