"""Shapes of the second factor."""

from typing import Any

from rest_framework import serializers

from accounts.serializers import fields


class TwoFactorSerializer(serializers.Serializer[Any]):
    """How things stand."""

    is_on = serializers.BooleanField()
    is_required = serializers.BooleanField(help_text="One of the account's roles demands it.")
    recovery_codes_left = serializers.IntegerField()


class TwoFactorBeginningSerializer(serializers.Serializer[Any]):
    """The password that proves who begins."""

    current_password = fields.current_password_field()


class EnrolmentSerializer(serializers.Serializer[Any]):
    """What an authenticator app has to be told."""

    secret = serializers.CharField(help_text="Base32, to be typed.")
    uri = serializers.CharField(help_text="otpauth://, to be shown as a QR code.")


class TwoFactorCodeSerializer(serializers.Serializer[Any]):
    """A code of the app."""

    code = fields.SecondFactorField()


class TwoFactorProofSerializer(TwoFactorCodeSerializer):
    """The password and a code of the app or a recovery code."""

    password = serializers.CharField(write_only=True, **fields.PASSWORD)


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """Ten codes, each good once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())
