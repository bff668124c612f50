"""People; an email is its owner's, a password is seen and made by nobody here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import selectors, services
from accounts.admin.forms import PRIVILEGES, PasswordChangeForm, PersonForm, UserCreationForm
from accounts.admin.lost_factor import TakesLostFactorsAway
from accounts.crowding import past_the_line
from accounts.errors import OwnAccount
from accounts.models import User
from shop_backend.kernel.admin import ShopModelAdmin


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
        ("Roles", {"fields": ("is_active", *PRIVILEGES)}),
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
            columns = {field.name for field in obj._meta.concrete_fields} - {"is_active"}
            obj.save(update_fields=columns.intersection(form.changed_data))
        else:
            super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            actor: Any = request.user
            services.set_active(user=obj, actor=actor, is_active=obj.is_active)

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
