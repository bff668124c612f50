"""Where staff give themselves a new password on the admin site."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from unfold.forms import AdminOwnPasswordChangeForm

from accounts import services
from accounts.crowding import past_the_line
from accounts.errors import TooManyPasswords
from shop_backend.kernel.forms import form_error, tell_when_to_come_back


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """A new password of one's own: it ends all other sign-ins and is told by mail."""

    def clean_old_password(self) -> str:
        """Return the old password.

        :raises ValidationError: it is wrong, or was tried too often.
        """
        try:
            with services.counted_try(self.user):
                return str(super().clean_old_password())
        except TooManyPasswords as refusal:
            raise form_error(refusal) from refusal

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        user = super().save(commit=False)
        if commit:
            user.save(update_fields=["password"])
        services.note_password_set_in_admin(user=user)
        user.refresh_from_db()  # the view keeps this session alive by what stands here
        return user


def admin_password_change(request: HttpRequest) -> HttpResponseBase:
    """Show the theme's own page, with the form above."""
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse_lazy("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    with past_the_line():
        return tell_when_to_come_back(view(request))
