"""How money and percentages are typed into the forms."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from cart.percent import format_percent, parse_percent


class PercentFormField(forms.CharField):
    """A percentage as people write it; whole units of its last decimal in the column."""

    def __init__(self, *, decimals: int, **kwargs: Any) -> None:
        self.decimals = decimals
        super().__init__(max_length=9, help_text="In percent, such as 12.5.", **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return format_percent(value, decimals=self.decimals) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        units = parse_percent(text, decimals=self.decimals)
        if units is None or units > 100 * 10**self.decimals:
            raise ValidationError("A percentage from 0 to 100.", code="invalid_percent")
        return units

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)
