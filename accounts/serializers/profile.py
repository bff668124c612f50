"""An account as its owner sees and changes it."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts import selectors
from accounts.models import User
from accounts.serializers import fields


class ProfileSerializer(serializers.ModelSerializer[User]):
    """A person's account as they see it themselves."""

    email_verified = serializers.SerializerMethodField()
    pending_email = serializers.SerializerMethodField(
        help_text="A new address that waits for its code."
    )
    roles = serializers.SerializerMethodField()
    is_authenticated = serializers.BooleanField(read_only=True)

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "email_verified",
            "pending_email",
            "first_name",
            "last_name",
            "roles",
            "is_staff",
            "is_authenticated",
            "date_joined",
        )
        read_only_fields = fields

    def get_email_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    def get_pending_email(self, user: User) -> str | None:
        change = selectors.get_pending_email_change(user, now=timezone.now())
        return change.new_email if change else None

    def get_roles(self, user: User) -> list[str]:
        return sorted(group.name for group in user.groups.all())


class ProfileUpdateSerializer(serializers.Serializer[Any]):
    """What one may change of oneself; what is left out stays as it is."""

    email = serializers.EmailField(max_length=254, required=False, allow_null=True)
    first_name = serializers.CharField(**fields.NAME)
    last_name = serializers.CharField(**fields.NAME)
    current_password = fields.current_password_field()
    otp = fields.second_factor_field()


class AccountDeletionSerializer(serializers.Serializer[Any]):
    """The password that confirms the end of an account."""

    current_password = fields.current_password_field()
