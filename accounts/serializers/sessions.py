"""Logging in, staying in, logging out."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import fields
from accounts.serializers.profile import ProfileSerializer

LONGEST_TOKEN = 4096


class CredentialsSerializer(serializers.Serializer[Any]):
    """A login: a name with an ``@``, in either field, is an email."""

    username = serializers.CharField(max_length=254, required=False, allow_blank=True)
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    password = serializers.CharField(write_only=True, **fields.PASSWORD)
    otp = fields.SecondFactorField(
        required=False, allow_blank=True, help_text="Of the second factor, where there is one."
    )
    code = fields.SecondFactorField(
        required=False, allow_blank=True, help_text="Another name of `otp`."
    )
    refresh = serializers.CharField(
        max_length=LONGEST_TOKEN,
        required=False,
        allow_blank=True,
        help_text="Of the session that this login takes the place of: it ends.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["second_factor"] = attrs.get("otp") or attrs.get("code") or ""
        attrs["login"] = attrs.get("username") or attrs.get("email")
        attrs.setdefault("refresh", "")
        if not attrs["login"]:
            raise serializers.ValidationError(
                {"username": ["Send a username or an email."]}, code="required"
            )
        return attrs


class TokensSerializer(serializers.Serializer[Any]):
    """The tokens of a session."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class RefreshedSerializer(serializers.Serializer[Any]):
    """A new access token, and a new refresh token where they rotate."""

    access = serializers.CharField()
    refresh = serializers.CharField(required=False)

    class Meta:
        swagger_schema_fields = {"x_optional": ["refresh"]}


class LoggedInSerializer(TokensSerializer):
    """The tokens of a session and whose it is."""

    user = ProfileSerializer()


class RefreshSerializer(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = serializers.CharField(max_length=LONGEST_TOKEN)


class TokenSerializer(serializers.Serializer[Any]):
    """A token of either kind."""

    token = serializers.CharField(max_length=LONGEST_TOKEN)


class LogoutSerializer(serializers.Serializer[Any]):
    """Which session ends: that of a refresh token, or all of them."""

    refresh = serializers.CharField(max_length=LONGEST_TOKEN, required=False)
    all = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["all"] and "refresh" not in attrs:
            raise serializers.ValidationError(
                {"refresh": ["Send the refresh token, or all: true."]}, code="required"
            )
        return attrs
