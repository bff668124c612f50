"""Fields that several shapes share."""

import re
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from shipping.countries import COUNTRIES
from shipping.models import Shipment


class Pattern:
    """Refuses a text that is not wholly of one shape; unlike Django's, no news for Swagger."""

    def __init__(self, pattern: str, message: str, code: str) -> None:
        self._pattern, self._message, self._code = re.compile(pattern), message, code

    def __call__(self, value: str) -> None:
        if not self._pattern.fullmatch(value):
            raise serializers.ValidationError(self._message, self._code)


# A line break in a name or a street could become a header of a mail.
_single_line = Pattern(
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
    "Line breaks and control characters have no place here.",
    "control_character",
)
_tracking_number = Pattern(
    r"[A-Z0-9][A-Z0-9-]{3,63}",
    "A tracking number is 4 to 64 letters, digits and hyphens.",
    "invalid_tracking_number",
)


class LineField(serializers.CharField):
    """A text of one line, trimmed and bounded."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(_single_line)


class OptionalLineField(LineField):
    """A text of one line that may be empty or left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default="", allow_blank=True, **kwargs)


class FlagField(serializers.BooleanField):
    """A yes or no that, left out of a form, is left as it is."""

    default_empty_html = empty


class CountryField(serializers.CharField):
    """ISO 3166-1 alpha-2, in any case; kept in capitals."""

    default_error_messages = {
        "unknown_country": "A country is its two-letter ISO 3166-1 code, such as GB."
    }

    class Meta:
        swagger_schema_fields = {"type": "string", "example": "GB"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        country = super().to_internal_value(data).upper()
        if country not in COUNTRIES:
            self.fail("unknown_country")
        return country


class TrackingNumberField(serializers.CharField):
    """A carrier's number, in any case and with or without spaces."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)
        self.validators.append(_tracking_number)

    def to_internal_value(self, data: Any) -> str:
        return re.sub(r"\s+", "", super().to_internal_value(data)).upper()


class ShipmentStatusField(serializers.ChoiceField):
    """A status, in any case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Shipment.Status.choices, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(data.lower() if isinstance(data, str) else data)
