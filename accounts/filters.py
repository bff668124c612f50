"""Narrowing the list of people."""

from typing import Any

import django_filters
from django.contrib.auth.models import Group
from django.db.models import QuerySet

from accounts import selectors
from accounts.models import User


class TruthFilter(django_filters.TypedChoiceFilter):
    """``true`` or ``false``; anything else is refused, where Django's own would ignore it."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", **kwargs)


class UserFilter(django_filters.FilterSet):
    """By text, role and state."""

    search = django_filters.CharFilter(
        method="matching", max_length=100, label="A part of a username, email or name."
    )
    role = django_filters.ModelChoiceFilter(
        field_name="groups",
        to_field_name="name",
        queryset=Group.objects.order_by("name"),
        label="The name of a role.",
    )
    is_active = TruthFilter(label="May log in.")
    is_staff = TruthFilter(label="May enter the admin site.")
    email_verified = TruthFilter(
        field_name="email_verified_at",
        lookup_expr="isnull",
        exclude=True,
        label="Has verified the email.",
    )

    class Meta:
        model = User
        fields: list[str] = []

    def matching(self, queryset: QuerySet[User], name: str, value: Any) -> QuerySet[User]:
        return queryset.filter(selectors.searched(value))
