"""Registering, and verifying an address."""

from typing import Any

from rest_framework import serializers

from accounts.models import User, validate_username
from accounts.serializers import fields


class RegistrationSerializer(serializers.Serializer[Any]):
    """A new account; the username is made from the email where it is left out."""

    username = serializers.CharField(
        max_length=150, required=False, allow_blank=True, validators=[validate_username]
    )
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(min_length=8, write_only=True, **fields.PASSWORD)
    re_password = serializers.CharField(required=False, write_only=True, **fields.PASSWORD)
    first_name = serializers.CharField(default="", **fields.NAME)
    last_name = serializers.CharField(default="", **fields.NAME)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        fields.require_same(attrs, "password", "re_password")
        return attrs


class RegisteredSerializer(serializers.ModelSerializer[User]):
    """The account that waits for its code."""

    class Meta:
        model = User
        fields = ("id", "username", "email", "first_name", "last_name")
        read_only_fields = fields


class EmailSerializer(serializers.Serializer[Any]):
    """An address, whether somebody has it or not."""

    email = serializers.EmailField(max_length=254)


class OtpVerificationSerializer(EmailSerializer):
    """The code that was mailed to an address."""

    otp = fields.OtpField()
