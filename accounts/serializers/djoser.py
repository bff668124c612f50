"""Djoser's bodies; what they ask for is done by the services of accounts."""

from typing import Any

from rest_framework import serializers

from accounts.models import User, validate_username
from accounts.serializers import fields


class AuthUserSerializer(serializers.ModelSerializer[User]):
    """An account as Djoser shows it."""

    class Meta:
        model = User
        fields = ("id", "username", "email")
        read_only_fields = fields


class AuthUserCreateSerializer(serializers.Serializer[Any]):
    """A new account; without an email it logs in at once."""

    username = serializers.CharField(max_length=150, validators=[validate_username])
    email = serializers.EmailField(
        max_length=254, required=False, allow_blank=True, allow_null=True, default=None
    )
    password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)
    re_password = serializers.CharField(required=False, write_only=True, **fields.PASSWORD)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        fields.require_same(attrs, "password", "re_password")
        return attrs


class AuthUserUpdateSerializer(serializers.Serializer[Any]):
    """A new email; it takes effect after its code."""

    email = serializers.EmailField(max_length=254, required=False, allow_null=True)
    current_password = fields.current_password_field()
    otp = fields.second_factor_field()


class UidAndTokenSerializer(serializers.Serializer[Any]):
    """The two parts of a mailed link."""

    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=128)


class AuthSetPasswordSerializer(serializers.Serializer[Any]):
    """The current password and the new one."""

    current_password = serializers.CharField(write_only=True, **fields.PASSWORD)
    new_password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)
    re_new_password = serializers.CharField(required=False, write_only=True, **fields.PASSWORD)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        fields.require_same(attrs, "new_password", "re_new_password")
        return attrs


class AuthResetConfirmSerializer(UidAndTokenSerializer):
    """A new password and the link that allows it."""

    new_password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)
    re_new_password = serializers.CharField(required=False, write_only=True, **fields.PASSWORD)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        fields.require_same(attrs, "new_password", "re_new_password")
        return attrs


class AuthAccessSerializer(serializers.Serializer[Any]):
    """A new access token (and for a token of /accounts/ a new refresh token)."""

    access = serializers.CharField()
    refresh = serializers.CharField(required=False)

    class Meta:
        swagger_schema_fields = {"x_optional": ["refresh"]}
