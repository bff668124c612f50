"""Serializer fields that several apps need."""

from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from shop_backend.kernel.money import MAX_MINOR, InvalidMoney, Money


class WholeSerializer(serializers.Serializer[Any]):
    """One row of a list in a body; it comes whole even where the body is a PATCH.

    A partial serializer makes those inside it partial, too.
    """

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = {
            str(field.field_name): ErrorDetail("This field is required.", "required")
            for field in self._writable_fields
            if field.required and field.source not in attrs
        }
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class MoneyField(serializers.Field):
    """A decimal string outside, an integer column of minor units inside.

    ``price = MoneyField(source="price_minor")``. The currency is the ``currency`` of the same
    object or row, the shop's own where there is none.
    """

    default_error_messages = {
        "invalid_money": "{reason}",
        "min_value": "Must be at least {minimum}.",
    }

    class Meta:
        swagger_schema_fields = {"type": "string", "format": "decimal", "example": "19.99"}

    def __init__(self, *, min_minor: int = 0, max_minor: int = MAX_MINOR, **kwargs: Any) -> None:
        self.min_minor, self.max_minor = min_minor, max_minor
        super().__init__(**kwargs)

    def get_attribute(self, instance: Any) -> Any:
        minor = super().get_attribute(instance)
        if minor is None or isinstance(minor, Money):
            return minor
        if isinstance(instance, dict):
            currency = instance.get("currency")
        else:
            currency = getattr(instance, "currency", None)
        return Money(minor, currency or settings.SHOP_CURRENCY)

    def to_representation(self, value: Any) -> str:
        if not isinstance(value, Money):
            value = Money(value, settings.SHOP_CURRENCY)
        return value.decimal_string

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, (str, int, float)):
            self.fail("invalid_money", reason="An amount is a decimal text such as 19.99.")
        try:
            # JSON numbers arrive as their shortest text, which is what the client wrote.
            money = Money.parse(str(data).strip(), settings.SHOP_CURRENCY)
        except InvalidMoney as error:
            self.fail("invalid_money", reason=str(error))
        if money.minor < self.min_minor:
            minimum = Money(self.min_minor, money.currency).decimal_string
            self.fail("min_value", minimum=minimum)
        if money.minor > self.max_minor:
            self.fail("invalid_money", reason="The amount is too large.")
        return money.minor


class HundredthsField(serializers.Field):
    """A number with two decimals outside, an integer column of hundredths inside; read only."""

    class Meta:
        swagger_schema_fields = {"type": "string", "format": "decimal", "example": "4.25"}

    def to_representation(self, value: int) -> str:
        return f"{value // 100}.{value % 100:02}"


class IdOrSlugField(serializers.Field):
    """A row's id, or the name that stands in its addresses."""

    default_error_messages = {"invalid": "An id or a slug."}

    class Meta:
        swagger_schema_fields = {"type": "string", "example": "white-metal-lantern"}

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, bool) or not isinstance(data, (int, str)):
            self.fail("invalid")
        text = str(data).strip()
        if text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
        if not text or len(text) > 220 or not text.isprintable():
            self.fail("invalid")
        return text

    def to_representation(self, value: Any) -> Any:
        return value
