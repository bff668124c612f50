"""The admin site's door. Apart from ``admin/``: the site wants it before it takes models."""

from typing import Any

from django import forms
from django.utils import timezone
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import selectors, services
from accounts.errors import PasswordsBusy, TooManyPasswords
from accounts.models import User
from shop_backend.kernel import throttling
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.forms import TooOften, form_error


class StaffLoginForm(AuthenticationForm):
    """The admin site's door; its wrong passwords and codes count with those of the API.

    So do the logins of each network address.
    """

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
        self._count_address()
        if not {"username", "password"} <= self.cleaned_data.keys():
            return self.cleaned_data  # nothing is tried, and no try is made forgotten
        try:
            with services.counted_login(self.cleaned_data["username"]) as user:
                # Django looks the name up again, as loosely as the database: it gets that of the
                # account that was counted, or one that nobody has.
                self.cleaned_data["username"] = user.username if user else ""
                cleaned = super().clean()
        except (PasswordsBusy, TooManyPasswords) as refusal:
            raise form_error(refusal) from refusal
        self._require_second_factor()
        return cleaned

    def _count_address(self) -> None:
        verdict = throttling.count_anonymous(self.request.META, scope="login")
        if verdict is not None and not verdict.is_allowed:
            raise TooOften(
                "Too many logins from your network address; please wait before you try again.",
                code="throttled",
                seconds=verdict.retry_after_seconds,
            )

    def confirm_login_allowed(self, user: Any) -> None:
        """Let nobody in whom the API would not let in, with the words for a wrong password.

        :raises ValidationError: the account's email is not verified, or it is not staff's.
        """
        super().confirm_login_allowed(user)
        if not selectors.may_log_in(user):
            raise self.get_invalid_login_error()

    def _require_second_factor(self) -> None:
        user = self.get_user()
        if not isinstance(user, User):
            return  # name or password was left out
        code = self.cleaned_data.get("otp", "").replace(" ", "")
        try:
            services.require_second_factor(user=user, code=code, now=timezone.now())
        except ShopError as refusal:
            raise form_error(refusal) from refusal
