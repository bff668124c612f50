"""The shape of what a person is told about themselves."""

from typing import Any

from rest_framework import serializers

from accounts.models import OtpPurpose
from shop_backend.kernel.models import AuditEntry


class ExportedAccountSerializer(serializers.Serializer[Any]):
    """The account itself; roles and permissions are the staff's."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    is_active = serializers.BooleanField()
    is_staff = serializers.BooleanField()
    is_superuser = serializers.BooleanField()
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    date_joined = serializers.DateTimeField()
    email_verified_at = serializers.DateTimeField(allow_null=True)
    last_login = serializers.DateTimeField(allow_null=True)


class ExportedSessionSerializer(serializers.Serializer[Any]):
    """A sign-in."""

    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    user_agent = serializers.CharField()
    ip = serializers.CharField(allow_null=True)


class ExportedCodeSerializer(serializers.Serializer[Any]):
    """A code that was mailed and is good still; the code itself is not kept."""

    purpose = serializers.ChoiceField(choices=OtpPurpose.choices)
    email = serializers.CharField()
    tries = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class ExportedEmailChangeSerializer(serializers.Serializer[Any]):
    """A new email, till a day after it was asked for."""

    old_email = serializers.CharField()
    new_email = serializers.CharField()
    requested_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


class ExportedTwoFactorSerializer(serializers.Serializer[Any]):
    """The second factor, without its secret: on since it was confirmed."""

    begun_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    recovery_codes_left = serializers.IntegerField()
    recovery_codes_used_at = serializers.ListField(child=serializers.DateTimeField())


class ExportedKeySerializer(serializers.Serializer[Any]):
    """An Idempotency-Key that was sent; the answer kept with it is that of the operation."""

    operation = serializers.CharField()
    key = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class ExportedEntrySerializer(serializers.Serializer[Any]):
    """A line of the audit log about what the person did as staff."""

    at = serializers.DateTimeField()
    phase = serializers.ChoiceField(choices=AuditEntry.Phase.choices)
    action = serializers.CharField()
    object_kind = serializers.CharField()
    object_id = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    roles = serializers.CharField()
    network = serializers.CharField()
    request_id = serializers.CharField()


class LeftOutSerializer(serializers.Serializer[Any]):
    """How many older rows are not in the export; an administrator reads them out."""

    audit = serializers.IntegerField()
    idempotency_keys = serializers.IntegerField()


class ExportSerializer(serializers.Serializer[Any]):
    """Everything about one person, by where it is kept; each part as plain JSON values."""

    account = ExportedAccountSerializer()
    sessions = ExportedSessionSerializer(many=True)
    codes = ExportedCodeSerializer(many=True)
    email_change = ExportedEmailChangeSerializer(allow_null=True)
    two_factor = ExportedTwoFactorSerializer(allow_null=True)
    idempotency_keys = ExportedKeySerializer(many=True, help_text="The newest first.")
    audit = ExportedEntrySerializer(many=True, help_text="The newest first.")
    left_out = LeftOutSerializer()
    cart = serializers.ListField(child=serializers.JSONField())
    cart_addresses = serializers.ListField(child=serializers.JSONField())
    coupons_used = serializers.ListField(child=serializers.JSONField())
    addresses = serializers.ListField(child=serializers.JSONField())
    shipments = serializers.ListField(child=serializers.JSONField())
    reviews = serializers.ListField(child=serializers.JSONField())
    orders = serializers.ListField(child=serializers.JSONField())
    payments = serializers.ListField(child=serializers.JSONField())
