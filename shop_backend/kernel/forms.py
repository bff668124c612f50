"""What the admin's forms share: their look, how they refuse, and a field for money."""

from decimal import Decimal
from typing import Any, TypeVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from unfold import widgets

from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import InvalidMoney, Money, exponent

Page = TypeVar("Page", bound=HttpResponseBase)


class ThemedForm(forms.BaseForm):
    """Gives the fields that a form declares itself the look of the others; a base or a mixin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dress()

    def _dress(self) -> None:
        for field in self.fields.values():
            if type(field.widget) in _CLASSES:
                field.widget.attrs.setdefault("class", " ".join(_CLASSES[type(field.widget)]))


class TooOften(ValidationError):
    """A refusal of what was tried too often, and in how many seconds it may be tried again."""

    def __init__(self, message: str, *, code: str, seconds: int) -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = seconds


def form_error(refusal: ShopError) -> ValidationError:
    """Return what a form says of a service's refusal."""
    if refusal.status == 429:
        seconds = refusal.retry_after_seconds or 1
        return TooOften(str(refusal), code=refusal.code, seconds=seconds)
    return ValidationError(str(refusal), code=refusal.code)


def tell_when_to_come_back(response: Page) -> Page:
    """Make a page 429 whose ``form`` was refused as tried too often; it stays the same page."""
    form = (getattr(response, "context_data", None) or {}).get("form")
    if isinstance(response, TemplateResponse) and isinstance(form, forms.BaseForm):
        found = [error for errors in form.errors.as_data().values() for error in errors]
        waits = [error.retry_after_seconds for error in found if isinstance(error, TooOften)]
        if waits:
            response.status_code = 429
            response.headers["Retry-After"] = str(max(waits))
    return response


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
