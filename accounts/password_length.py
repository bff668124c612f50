"""How long a password may be, at every door."""

from typing import Any

from django.core.exceptions import ValidationError


class MaximumLengthValidator:
    """Refuse a password that the API would not take at a login; Django has no such rule."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:
        """Measure a password.

        :raises ValidationError: it is too long.
        """
        if len(password) > self.max_length:
            raise ValidationError(
                f"This password is too long. It may have at most {self.max_length} characters.",
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        """Return the rule for a person."""
        return f"Your password may have at most {self.max_length} characters."
