"""Percentages: whole numbers inside, decimal texts outside. No float comes near them."""

import re
from typing import Any

from rest_framework import serializers

_PLAIN = re.compile(r"([0-9]{1,3})(?:\.([0-9]{0,4}))?", re.ASCII)


def parse_percent(text: str, *, decimals: int) -> int | None:
    """Return the percentage in units of its last decimal; ``None`` if the text is none."""
    match = _PLAIN.fullmatch(text.strip())
    if not match:
        return None
    whole, part = match[1], (match[2] or "").rstrip("0")
    if len(part) > decimals:
        return None
    return int(whole + part.ljust(decimals, "0"))


def format_percent(units: int, *, decimals: int) -> str:
    """Return the percentage as people write it: ``20``, ``8.875``."""
    whole, part = divmod(units, 10**decimals)
    digits = f"{part:0{decimals}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


class PercentField(serializers.Field):
    """``"12.5"`` outside, 1250 inside with two decimals; from 0 to 100."""

    default_error_messages = {
        "invalid_percent": "A percentage is a decimal text from {minimum} to 100"
        " with at most {decimals} decimals."
    }

    class Meta:
        swagger_schema_fields = {"type": "string", "format": "decimal", "example": "12.5"}

    def __init__(self, *, decimals: int, min_units: int = 0, **kwargs: Any) -> None:
        self.decimals, self.min_units = decimals, min_units
        super().__init__(**kwargs)

    def to_representation(self, value: int) -> str:
        return format_percent(value, decimals=self.decimals)

    def to_internal_value(self, data: Any) -> int:
        is_number = isinstance(data, (str, int, float)) and not isinstance(data, bool)
        # JSON numbers arrive as their shortest text, which is what the client wrote.
        units = parse_percent(str(data), decimals=self.decimals) if is_number else None
        if units is None or not self.min_units <= units <= 100 * 10**self.decimals:
            minimum = format_percent(self.min_units, decimals=self.decimals)
            self.fail("invalid_percent", minimum=minimum, decimals=self.decimals)
        return units
