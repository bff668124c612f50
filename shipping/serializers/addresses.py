"""Shapes of addresses."""

import re
from typing import Any

from rest_framework import serializers

from shipping import postcodes
from shipping.serializers.fields import (
    CountryField,
    FlagField,
    LineField,
    OptionalLineField,
    Pattern,
)

_phone = Pattern(
    r"\+?[0-9 ()./x-]*", "A phone number is made of digits, spaces and + ( ) . / -", "phone"
)
_postal_code = Pattern(
    r"[A-Za-z0-9 -]*",
    "A postal code is made of letters, digits, spaces and hyphens.",
    "invalid_postal_code",
)


class PostalAddressSerializer(serializers.Serializer):
    """Where a parcel can be brought."""

    full_name = LineField(max_length=150)
    line1 = LineField(max_length=200)
    line2 = OptionalLineField(max_length=200)
    city = LineField(max_length=100)
    region = OptionalLineField(max_length=100)
    postal_code = OptionalLineField(max_length=20, validators=[_postal_code])
    country = CountryField()
    phone = OptionalLineField(max_length=32, validators=[_phone])

    def validate_postal_code(self, value: str) -> str:
        return re.sub(r"\s+", " ", value.upper())

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        postal_code = attrs.get("postal_code", getattr(self.instance, "postal_code", ""))
        country = attrs.get("country", getattr(self.instance, "country", ""))
        if not postcodes.is_valid(postal_code, country=country):
            example = postcodes.get_example(country)
            raise serializers.ValidationError(
                {
                    "postal_code": serializers.ErrorDetail(
                        f"A postal code of {country} looks like {example}.", "invalid_postal_code"
                    )
                }
            )
        return attrs


class AddressSerializer(PostalAddressSerializer):
    """One entry of the address book. The first one becomes the default."""

    id = serializers.IntegerField(read_only=True)
    is_default = FlagField(
        required=False, help_text="Orders go here when nothing else is said; one a user."
    )
    created_at = serializers.DateTimeField(read_only=True)
