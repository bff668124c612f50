"""Shapes of coupons."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from cart.models import Coupon
from cart.models.coupons import MAX_USES, is_code, normalise_code, validate_code
from cart.percent import PercentField
from shipping.serializers.fields import FlagField
from shop_backend.kernel.converters import MAX_ID
from shop_backend.kernel.fields import MoneyField

MAX_PRODUCTS = 1000
MAX_CATEGORIES = 100
# Beyond these years the databases and their time zones begin to differ.
YEARS = range(2000, 3000)


class MomentField(serializers.DateTimeField):
    """A time within the years that every database can hold."""

    default_error_messages = {"year": "The year must be between 2000 and 2999."}

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if moment.year not in YEARS:
            self.fail("year")
        return moment


class CodeField(serializers.CharField):
    """A coupon's code, in any case; kept in capitals."""

    default_error_messages = {"invalid_code": validate_code.message}

    class Meta:
        swagger_schema_fields = {"type": "string", "example": "WELCOME10"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        code = normalise_code(super().to_internal_value(data))
        if not is_code(code):
            self.fail("invalid_code")
        return code


def _ids(most: int, source: str, help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        default=list,
        max_length=most,
        source=source,
        help_text=help_text,
    )


class CouponSerializer(serializers.Serializer):
    """A code that makes an order cheaper."""

    id = serializers.IntegerField(read_only=True)
    code = CodeField()
    kind = serializers.ChoiceField(choices=Coupon.Kind.choices)
    percent = PercentField(
        source="percent_basis_points",
        decimals=2,
        min_units=1,
        default=None,
        allow_null=True,
        help_text="For the kind percent alone.",
    )
    amount = MoneyField(
        source="amount_minor",
        min_minor=1,
        default=None,
        allow_null=True,
        help_text="For the kind fixed alone.",
    )
    currency = serializers.CharField(read_only=True)
    starts_at = MomentField(default=None, allow_null=True)
    ends_at = MomentField(default=None, allow_null=True)
    min_subtotal = MoneyField(source="min_subtotal_minor", default=None, allow_null=True)
    products = _ids(
        MAX_PRODUCTS, "product_ids", "Ids; with categories empty too, it is for everything."
    )
    categories = _ids(MAX_CATEGORIES, "category_ids", "Ids; what lies below them counts in.")
    usage_limit = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=MAX_USES
    )
    per_customer_limit = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=MAX_USES
    )
    used_count = serializers.IntegerField(read_only=True)
    is_active = FlagField(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = self._value(attrs, "kind")
        worth = {"percent": "percent_basis_points", "amount": "amount_minor"}
        wanted = {Coupon.Kind.PERCENT: "percent", Coupon.Kind.FIXED: "amount"}.get(kind)
        for field, column in worth.items():
            has_value = self._value(attrs, column) is not None
            if has_value is not (field == wanted):
                text = f"A coupon of the kind {kind} " + (
                    f"needs {field}." if field == wanted else f"has no {field}."
                )
                raise _error(field, text, "worth_does_not_fit")
        starts_at, ends_at = self._value(attrs, "starts_at"), self._value(attrs, "ends_at")
        if starts_at is not None and ends_at is not None and starts_at >= ends_at:
            raise _error("ends_at", "It ends before it starts.", "bounds_crossed")
        return attrs

    def _value(self, attrs: dict[str, Any], column: str) -> Any:
        return attrs.get(column, getattr(self.instance, column, None))


def _error(field: str, text: str, code: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: serializers.ErrorDetail(text, code)})
