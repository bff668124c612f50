"""People and their sessions; codes are looked at without being seen, and made by nobody here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.forms import (
    AdminPasswordChangeForm,
    UnfoldReadOnlyPasswordHashWidget,
    UserChangeForm,
)
from unfold.forms import UserCreationForm as AdminUserCreationForm

from accounts import selectors, services
from accounts.admin_lost_factor import TakesLostFactorsAway
from accounts.crowding import past_the_line
from accounts.errors import (
    EmailTaken,
    OwnAccount,
    ProtectedAccount,
    RightsYouLack,
    UnverifiedEmail,
    UsernameTaken,
)
from accounts.models import EmailChange, Otp, OtpRequestCount, Session, TwoFactor, User
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopModelAdmin
from shop_backend.kernel.forms import form_error

_PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


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
        given = [name for name in _PRIVILEGES if name in self.changed_data and self._is_more(name)]
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


@admin.register(User)
class UserAdmin(TakesLostFactorsAway, DjangoUserAdmin, ShopModelAdmin):
    """Roles are given here. An email is its owner's, a password is never shown."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = PasswordChangeForm
    list_display = ["username", "email", "has_verified_email", "is_active", "is_staff", "roles"]
    list_filter = ["groups", "is_active", "is_staff", "is_superuser", "date_joined"]
    search_fields = ["username", "email", "first_name", "last_name"]
    ordering = ["-pk"]
    filter_horizontal = ["groups", "user_permissions"]
    readonly_fields = ["email", "email_verified_at", "last_login", "date_joined"]
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "email_verified_at")}),
        ("Roles", {"fields": ("is_active", *_PRIVILEGES)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),
    )
    actions = ["deactivate", "activate", "end_sessions"]
    actions_detail = ["reset_two_factor"]

    @admin.display(description="Email verified", boolean=True)
    def has_verified_email(self, user: User) -> bool:
        return user.email_verified_at is not None

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all()))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return ((None, {"fields": ("username",)}), *self.fieldsets[1:])
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return []
        fields = list(super().get_readonly_fields(request, obj))
        if not getattr(request.user, "is_superuser", False):
            # The role that manages people must not be a way to become a superuser.
            fields += ["is_superuser", "user_permissions"]
        return fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        actor: Any = request.user
        if obj is not None and not selectors.may_manage(actor, obj):
            return False
        return super().has_change_permission(request, obj)

    def get_form(  # type: ignore[override]  # as Django's own admin of accounts has it
        self, request: HttpRequest, obj: Any = None, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, **kwargs)
        form.actor = request.user  # the class is made anew for each request
        return form

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with past_the_line():
            return super().add_view(request, *args, **kwargs)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with past_the_line():
            return super().user_change_password(request, *args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the books name people; an account is deactivated or anonymised

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: Any
    ) -> None:
        if change:
            # What the form has not changed may have moved on since it was read.
            columns = {field.name for field in obj._meta.concrete_fields}
            obj.save(update_fields=columns.intersection(form.changed_data))
        else:
            super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            services.revoke_sessions(user=obj)

    @admin.action(description="Deactivate (ends all sessions)", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, is_active=False)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, is_active=True)

    @admin.action(description="End all sessions", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        within_reach = [user for user in queryset if self.has_change_permission(request, user)]
        count = sum(services.revoke_sessions(user=user) for user in within_reach)
        self.message_user(request, f"{count} sessions ended.")

    def _set_active(
        self, request: HttpRequest, queryset: QuerySet[User], *, is_active: bool
    ) -> None:
        actor: Any = request.user
        changed = 0
        for user in queryset:
            if not self.has_change_permission(request, user):
                continue
            try:
                services.set_active(user=user, actor=actor, is_active=is_active)
            except OwnAccount as error:
                self.message_user(request, str(error), level="WARNING")
            else:
                changed += 1
        self.message_user(request, f"{changed} accounts changed.")


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, ShopModelAdmin):
    """The roles; migrating makes them equal to accounts/roles.py again. For superusers alone.

    Who may change what a role grants may do everything: it would be a way to any right.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


@admin.register(Otp)
class OtpAdmin(ReadOnlyAdmin):
    """That a code is on its way, never which; it may be withdrawn."""

    list_display = ["user", "purpose", "email", "tries", "created_at", "expires_at"]
    list_filter = ["purpose"]
    list_select_related = ["user"]
    search_fields = ["email", "user__username"]
    fields = ["user", "purpose", "email", "tries", "created_at", "expires_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        actor: Any = request.user
        if obj is not None and not selectors.may_manage(actor, obj.user):
            return False
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Who is logged in where."""

    list_display = ["user", "created_at", "last_used_at", "expires_at", "revoked_at", "ip"]
    list_filter = ["rotates", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "ip"]
    fields = [
        "user",
        "rotates",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
        "ip",
        "user_agent",
    ]
    actions = ["revoke"]

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        actor: Any = request.user
        revoked = 0
        refusals = set()
        for session in queryset:
            try:
                services.revoke_session_as_staff(session=session, actor=actor)
            except ProtectedAccount as refusal:
                refusals.add(str(refusal))
            else:
                revoked += 1
        for message in refusals:
            self.message_user(request, message, level="WARNING")
        self.message_user(request, f"{revoked} sessions revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether this role may end other people's sessions."""
        return request.user.has_perm("accounts.change_session")


@admin.register(OtpRequestCount)
class OtpRequestCountAdmin(ReadOnlyAdmin):
    """How often codes are asked for; the addresses themselves are not kept."""

    list_display = ["purpose", "address_digest", "asked_at_5", "tried_at"]
    list_filter = ["purpose"]


@admin.register(EmailChange)
class EmailChangeAdmin(ReadOnlyAdmin):
    """Addresses that wait for their code."""

    list_display = ["user", "old_email", "new_email", "requested_at", "confirmed_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "old_email", "new_email"]


@admin.register(TwoFactor)
class TwoFactorAdmin(ReadOnlyAdmin):
    """Who has a second factor; the secret is shown to nobody."""

    list_display = ["user", "created_at", "confirmed_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]
    fields = ["user", "created_at", "confirmed_at"]
