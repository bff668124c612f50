"""The admin site's door. Apart from ``admin.py``: the site wants it before it takes models."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import services
from accounts.errors import PasswordsBusy, TooManyPasswords
from accounts.models import User
from shop_backend.kernel.errors import ShopError


class StaffLoginForm(AuthenticationForm):
    """The admin site's door; its wrong passwords and codes count with those of the API."""

    otp = forms.CharField(
        label="Code of the second factor, if you have one",
        max_length=32,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        """Log in.

        :raises ValidationError: refused, or tried too often.
        """
        try:
            with services.counted_try(self.cleaned_data.get("username", "")):
                cleaned = super().clean()
        except (PasswordsBusy, TooManyPasswords) as refusal:
            raise ValidationError(str(refusal), code=refusal.code) from refusal
        self._require_second_factor()
        return cleaned

    def _require_second_factor(self) -> None:
        user = self.get_user()
        if not isinstance(user, User):
            return  # name or password was left out
        code = self.cleaned_data.get("otp", "").replace(" ", "")
        try:
            services.require_second_factor(user=user, code=code, now=timezone.now())
        except ShopError as refusal:
            raise ValidationError(str(refusal), code=refusal.code) from refusal
