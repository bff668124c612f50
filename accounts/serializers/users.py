"""An account as staff see and change it."""

from rest_framework import serializers

from accounts.models import User
from accounts.serializers.profile import ProfileUpdateSerializer


class UserSerializer(serializers.ModelSerializer[User]):
    """An account as staff see it."""

    email_verified = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "email_verified",
            "first_name",
            "last_name",
            "roles",
            "is_active",
            "is_staff",
            "date_joined",
            "last_login",
        )
        read_only_fields = fields

    def get_email_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    def get_roles(self, user: User) -> list[str]:
        return sorted(group.name for group in user.groups.all())


class UserUpdateSerializer(ProfileUpdateSerializer):
    """What may be changed of an account; ``is_active`` by staff only."""

    is_active = serializers.BooleanField(required=False)
