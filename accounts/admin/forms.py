"""What may be said of an account in the admin site, and by whom."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from unfold.forms import (
    AdminPasswordChangeForm,
    UnfoldReadOnlyPasswordHashWidget,
    UserChangeForm,
)
from unfold.forms import UserCreationForm as AdminUserCreationForm

from accounts import selectors, services
from accounts.errors import (
    EmailTaken,
    OwnAccount,
    RightsYouLack,
    UnverifiedEmail,
    UsernameTaken,
)
from accounts.models import User
from shop_backend.kernel.forms import form_error

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


class UserCreationForm(AdminUserCreationForm):
    """An account that the operator vouches for: its email counts as verified."""

    class Meta:
        model = User
        fields = ("username", "email")

    def clean_email(self) -> str | None:
        """Return the address.

        :raises ValidationError: somebody has it, in whatever case.
        """
        email: str | None = self.cleaned_data["email"]
        if email and selectors.get_by_email(email) is not None:
            raise ValidationError(EmailTaken.message, code=EmailTaken.code)
        return email

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        if self.instance.email:
            self.instance.email_verified_at = timezone.now()
        return super().save(commit=commit)


class PasswordWidget(UnfoldReadOnlyPasswordHashWidget):
    """Says whether there is a password, and nothing of its hash."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        if any("value" in each for each in context["summary"]):
            context["summary"] = [{"label": "A password is set."}]
        return context


class PersonForm(UserChangeForm):
    """What the operator may change of an account, within what the operator may do."""

    actor: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = PasswordWidget()

    def clean_groups(self) -> Any:
        """Return the roles.

        :raises ValidationError: a new one grants what the operator lacks.
        """
        groups = self.cleaned_data["groups"]
        had = set(self.instance.groups.values_list("pk", flat=True))
        try:
            services.require_rights_to_give(
                actor=self.actor, groups=[group for group in groups if group.pk not in had]
            )
        except RightsYouLack as refusal:
            raise ValidationError(str(refusal), code=refusal.code) from refusal
        return groups

    def clean(self) -> dict[str, Any]:
        """Return all of it; rights given to an account whose email is not verified are refused."""
        cleaned: dict[str, Any] = super().clean()
        given = [name for name in PRIVILEGES if name in self.changed_data and self._is_more(name)]
        try:
            if given:
                services.require_verified_email(user=self.instance)
        except UnverifiedEmail as refusal:
            self.add_error(given[0], form_error(refusal))
        return cleaned

    def _is_more(self, name: str) -> bool:
        now, before = self.cleaned_data.get(name), self.initial.get(name)
        if isinstance(now, QuerySet):
            return bool(set(now) - set(before or ()))
        return bool(now)

    def clean_is_active(self) -> bool:
        """Return whether the person is let in.

        :raises ValidationError: the operator would be shut out.
        """
        is_active: bool = self.cleaned_data["is_active"]
        if self.instance.pk == self.actor.pk and not is_active:
            raise ValidationError(OwnAccount.message, code=OwnAccount.code)
        return is_active

    def clean_username(self) -> str:
        """Return the username.

        :raises ValidationError: somebody else has it, in whatever case.
        """
        username: str = self.cleaned_data["username"]
        holder = selectors.get_by_username(username)
        if holder is not None and holder.pk != self.instance.pk:
            raise ValidationError(UsernameTaken.message, code=UsernameTaken.code)
        return username


class PasswordChangeForm(AdminPasswordChangeForm):
    """A new password from the operator ends the sessions of the old one."""

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        user = super().save(commit=False)
        if commit:
            user.save(update_fields=["password"])
        services.note_password_set_in_admin(user=user)
        return user
