"""The admin's form field for money: people type 19.99, the column holds 1999."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold import widgets

from shop_backend.kernel.money import InvalidMoney, Money, exponent


class ThemedForm(forms.BaseForm):
    """Gives the fields that a form declares itself the look of the others; a base or a mixin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dress()

    def _dress(self) -> None:
        for field in self.fields.values():
            if type(field.widget) in _CLASSES:
                field.widget.attrs.setdefault("class", " ".join(_CLASSES[type(field.widget)]))


_CLASSES = {
    forms.TextInput: widgets.INPUT_CLASSES,
    forms.NumberInput: widgets.INPUT_CLASSES,
    forms.PasswordInput: widgets.INPUT_CLASSES,
    forms.URLInput: widgets.INPUT_CLASSES,
    forms.Textarea: widgets.TEXTAREA_CLASSES,
    forms.Select: widgets.SELECT_CLASSES,
    forms.CheckboxInput: widgets.CHECKBOX_CLASSES,
    forms.ClearableFileInput: widgets.FILE_CLASSES,
}


class MoneyFormField(forms.DecimalField):
    """An amount in the shop's currency, kept as minor units."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("step_size", None)
        kwargs.setdefault("min_value", 0)
        kwargs["decimal_places"] = exponent(settings.SHOP_CURRENCY)
        kwargs["max_digits"] = 17
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            return Money(value, settings.SHOP_CURRENCY).decimal_string
        return value

    def clean(self, value: Any) -> Any:
        decimal = super().clean(value)
        if not isinstance(decimal, Decimal):
            return decimal
        try:
            return Money.parse(decimal, settings.SHOP_CURRENCY).minor
        except InvalidMoney as error:
            raise ValidationError(str(error), code="invalid_money") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(self.prepare_value(initial)), data)
