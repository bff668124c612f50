"""Fields that several shapes of accounts share."""

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

PASSWORD: dict[str, Any] = {
    "max_length": 128,
    "trim_whitespace": False,
    "style": {"input_type": "password"},
}
NAME: dict[str, Any] = {
    "max_length": 150,
    "required": False,
    "allow_blank": True,
    "validators": [RegexValidator(r"\A[^\x00-\x1f\x7f]*\Z", "A name is one line of text.")],
}


class OtpField(serializers.Field):
    """Six digits as a text, or as a number whose leading zeros got lost."""

    default_error_messages = {"invalid": "A code has six digits."}

    class Meta:
        swagger_schema_fields = {"type": "string", "pattern": "^[0-9]{6}$", "example": "012345"}

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool) and 0 <= data < 10**6:
            return f"{data:06d}"
        if isinstance(data, str):
            text = data.strip()
            if len(text) == 6 and text.isascii() and text.isdigit():
                return text
        self.fail("invalid")

    def to_representation(self, value: Any) -> str:
        return str(value)


class SecondFactorField(serializers.CharField):
    """Six digits of the app, or a recovery code; a number may have lost its leading zeros."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        return text.zfill(6) if isinstance(data, int) else text.replace(" ", "")


def current_password_field() -> serializers.CharField:
    """Return the field that proves who sits there; not needed within ten minutes of a login."""
    return serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        write_only=True,
        help_text="May be left out within 10 minutes of a login.",
        **PASSWORD,
    )


def second_factor_field() -> "SecondFactorField":
    """Return the field that proves it further, where there is a second factor."""
    return SecondFactorField(
        required=False,
        allow_blank=True,
        help_text="Of the second factor, where there is one and the login is more than 10 minutes"
        " old.",
    )


def require_same(attrs: dict[str, Any], name: str, repeated: str) -> None:
    """Refuse a repetition that was sent and is another text.

    :raises serializers.ValidationError: under the repetition's name.
    """
    if repeated in attrs and attrs[repeated] != attrs[name]:
        raise serializers.ValidationError(
            {
                repeated: [
                    serializers.ErrorDetail("The two passwords differ.", code="password_mismatch")
                ]
            }
        )
