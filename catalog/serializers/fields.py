"""Fields that several shapes of the catalogue share."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import RegexValidator
from rest_framework import serializers

from catalog import selectors
from catalog.models import RESERVED_SLUGS, Category, TaxClass, validate_slug
from shop_backend.kernel.fields import MoneyField

MAX_OPTIONS = 10
MAX_OPTION_TEXT = 50
MAX_SKU = 64
MAX_WEIGHT_GRAMS = 1_000_000_000
MAX_POSITION = 32_767

validate_single_line = RegexValidator(
    r"\A[^\x00-\x1f\x7f]*\Z", "It holds control characters.", "control_characters"
)


class LineField(serializers.CharField):
    """Text on one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(validate_single_line)


class SlugField(serializers.CharField):
    """A slug that no other path means; empty: made from the name."""

    default_error_messages = {"reserved_slug": "This word is a step of other paths."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_blank=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        slug = super().to_internal_value(data)
        if slug in RESERVED_SLUGS:
            self.fail("reserved_slug")
        try:
            validate_slug(slug)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages, "invalid_slug") from error
        return slug


class CodeField(serializers.CharField):
    """A short name that programs and people type."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)
        self.validators.append(validate_slug)


class CompareAtField(MoneyField):
    """A crossed-out price; null for none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            source="compare_at_minor",
            required=False,
            allow_null=True,
            help_text="Above the price; null for none.",
            **kwargs,
        )


class AttributeValueField(serializers.Field):
    """A text, a number or a boolean, as the attribute's kind has it."""

    default_error_messages = {"invalid": "Send a text, a number, true or false."}

    class Meta:
        swagger_schema_fields = {
            "type": "string",
            "description": "A text, or of those kinds a number, true or false.",
        }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            return data
        if not isinstance(data, (str, int, float)):
            self.fail("invalid")
        return LineField(max_length=100).run_validation(str(data))


class KeyField(serializers.Field):
    """A row by its id or its name for addresses; the object that GET shows is understood too."""

    default_error_messages = {"invalid": "Name it by its id or its slug."}

    def find(self, key: int | str) -> Any:
        """Return the row.

        :raises Missing: there is none.
        """
        raise NotImplementedError

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            data = data.get("id")
        if isinstance(data, bool) or not isinstance(data, (int, str)):
            self.fail("invalid")
        if isinstance(data, str) and (data == "" or "\x00" in data):
            if data == "" and self.allow_null:
                return None
            self.fail("invalid")
        try:
            return self.find(data)
        except UnicodeEncodeError:  # a lone surrogate, from a form
            return self.find(0)


class CategoryKeyField(KeyField):
    """A category by its id or slug."""

    default_error_messages = {"invalid": "Name a category by its id or its slug."}

    class Meta:
        swagger_schema_fields = {
            "type": "string",
            "description": "A category's id or slug; null for none.",
            "x-nullable": True,
        }

    def find(self, key: int | str) -> Category:
        return selectors.get_category(key)

    def to_representation(self, value: Category) -> int:
        return value.pk


class TaxClassKeyField(KeyField):
    """A tax class by its id or code."""

    default_error_messages = {"invalid": "Name a tax class by its id or its code."}

    class Meta:
        swagger_schema_fields = {
            "type": "string",
            "description": "A tax class's id or code; null: the default one.",
            "x-nullable": True,
        }

    def find(self, key: int | str) -> TaxClass:
        return selectors.get_tax_class(key)

    def to_representation(self, value: TaxClass) -> str:
        return value.code


class OptionsField(serializers.DictField):
    """The choice per option: ``{"Colour": "Red"}``."""

    default_error_messages = {"too_many": "At most {most} options."}

    class Meta:
        swagger_schema_fields = {"example": {"Colour": "Red", "Size": "M"}}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=LineField(max_length=MAX_OPTION_TEXT), **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        choices = super().to_internal_value(data)
        if len(choices) > MAX_OPTIONS:
            self.fail("too_many", most=MAX_OPTIONS)
        return {self.child.run_validation(name): value for name, value in choices.items()}
