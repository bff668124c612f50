"""New passwords; what one may be beyond its length is the services' to say."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import fields
from accounts.serializers.registration import OtpVerificationSerializer


class PasswordChangeSerializer(serializers.Serializer[Any]):
    """The old password and the new."""

    old_password = serializers.CharField(write_only=True, **fields.PASSWORD)
    new_password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)


class NewPasswordSerializer(serializers.Serializer[Any]):
    """A new password."""

    new_password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)


class PasswordResetByCodeSerializer(OtpVerificationSerializer):
    """A new password and the code that allows it."""

    new_password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)


class RepeatedPasswordSerializer(serializers.Serializer[Any]):
    """A new password, twice."""

    password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)
    confirm_password = serializers.CharField(required=False, write_only=True, **fields.PASSWORD)
    re_password = serializers.CharField(required=False, write_only=True, **fields.PASSWORD)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "confirm_password" not in attrs and "re_password" not in attrs:
            raise serializers.ValidationError(
                {"confirm_password": ["This field is required."]}, code="required"
            )
        fields.require_same(attrs, "password", "confirm_password")
        fields.require_same(attrs, "password", "re_password")
        return attrs
