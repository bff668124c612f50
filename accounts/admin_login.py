"""The admin site's door. Apart from ``admin.py``: the site wants it before it takes models."""

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts import services
from accounts.errors import TooManyPasswords


class StaffLoginForm(AuthenticationForm):
    """The admin site's door; its wrong passwords count with those of the API."""

    def clean(self) -> dict[str, Any]:
        """Log in.

        :raises ValidationError: refused, or tried too often.
        """
        try:
            with services.counted_try(self.cleaned_data.get("username", "")):
                return super().clean()
        except TooManyPasswords as refusal:
            raise ValidationError(str(refusal), code=refusal.code) from refusal
