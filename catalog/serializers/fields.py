"""Fields that several shapes of the catalogue share."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import RegexValidator
from rest_framework import serializers

from catalog import errors, selectors
from catalog.models import RESERVED_SLUGS, Category, validate_slug

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


class CategoryKeyField(serializers.Field):
    """A category by its id or slug; the object that GET shows is understood too."""

    default_error_messages = {"invalid": "Name a category by its id or its slug."}

    class Meta:
        swagger_schema_fields = {
            "type": "string",
            "description": "A category's id or slug; null for none.",
            "x-nullable": True,
        }

    def to_internal_value(self, data: Any) -> Category | None:
        if isinstance(data, dict):
            data = data.get("id")
        if isinstance(data, bool) or not isinstance(data, (int, str)):
            self.fail("invalid")
        if isinstance(data, str) and (data == "" or "\x00" in data):
            if data == "" and self.allow_null:
                return None
            self.fail("invalid")
        try:
            return selectors.get_category(data)
        except UnicodeEncodeError as error:  # a lone surrogate, from a form
            raise errors.CategoryNotFound(category="") from error

    def to_representation(self, value: Category) -> int:
        return value.pk


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
