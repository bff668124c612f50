"""Bodies of payments, in and out. No card data: a payment method is a name."""

from typing import Any

from drf_yasg import openapi
from drf_yasg.utils import swagger_serializer_method
from rest_framework import serializers

from payments.models import Payment, Refund
from shop_backend.kernel.fields import MoneyField


class RefundSerializer(serializers.ModelSerializer):
    """Money on its way back: pending until the provider has accepted it."""

    amount = MoneyField(source="amount_minor", read_only=True)
    reason = serializers.CharField(read_only=True, allow_blank=True)
    failure_code = serializers.CharField(read_only=True, allow_blank=True)

    class Meta:
        model = Refund
        fields = ["id", "amount", "currency", "status", "reason", "failure_code", "created_at"]
        read_only_fields = fields


class NextActionField(serializers.JSONField):
    """What the customer has to do; its shape is the provider's."""

    class Meta:
        swagger_schema_fields = {
            "type": openapi.TYPE_OBJECT,
            "x-nullable": True,
            "description": "What the customer has to do next, for the customer alone; else null.",
            "example": {"type": "confirm_again"},
        }


class PaymentSerializer(serializers.ModelSerializer):
    """One attempt to collect what is due. What holds secrets is for its owner alone."""

    order = serializers.CharField(
        source="reference", read_only=True, help_text="The order's public number."
    )
    amount = MoneyField(source="amount_minor", read_only=True)
    captured = MoneyField(source="captured_minor", read_only=True)
    refunded = MoneyField(
        source="refunded_minor", read_only=True, help_text="What went back or is on its way."
    )
    client_secret = serializers.SerializerMethodField(
        help_text="For the provider's own client library; null to everybody but the owner."
    )
    next_action = NextActionField(read_only=True, allow_null=True)
    failure_code = serializers.CharField(
        read_only=True, allow_blank=True, help_text="Why the last attempt was declined."
    )
    refunds = RefundSerializer(many=True, read_only=True)

    class Meta:
        model = Payment
        fields = [
            "id",
            "order",
            "status",
            "amount",
            "captured",
            "refunded",
            "currency",
            "provider",
            "client_secret",
            "next_action",
            "failure_code",
            "refunds",
            "created_at",
        ]
        read_only_fields = fields

    @swagger_serializer_method(serializers.CharField(allow_null=True))
    def get_client_secret(self, payment: Payment) -> str | None:
        return payment.client_secret or None if self._is_owners(payment) else None

    def to_representation(self, instance: Payment) -> Any:
        shown = super().to_representation(instance)
        if not self._is_owners(instance):
            shown["next_action"] = None  # its addresses may hold the secret
        return shown

    def _is_owners(self, payment: Payment) -> bool:
        request: Any = self.context.get("request")
        return request is not None and request.user.pk == payment.customer_id


class PaymentStartSerializer(serializers.Serializer):
    """What to pay, and with what."""

    order_id = serializers.CharField(
        max_length=32, help_text="The order's public number, or its integer id."
    )
    payment_method = serializers.RegexField(
        r"\A[A-Za-z0-9_ -]+\Z",
        max_length=100,
        required=False,
        allow_null=True,
        help_text="The provider's name of a payment method, such as pm_card_visa.",
    )


class RefundRequestSerializer(serializers.Serializer):
    """How much goes back, and why."""

    amount = MoneyField(
        min_minor=1, required=False, allow_null=True, help_text="Left out: all that is left."
    )
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class OfflinePaymentSerializer(serializers.Serializer):
    """Money that was received outside."""

    order_id = serializers.CharField(
        max_length=32, help_text="The order's public number, or its integer id."
    )
    amount = MoneyField(
        min_minor=1, required=False, allow_null=True, help_text="Left out: all that is due."
    )
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class SandboxCardSerializer(serializers.Serializer):
    """A test card; name and number do the same. A fault to rehearse has no number."""

    payment_method = serializers.CharField()
    number = serializers.CharField(allow_blank=True)
    outcome = serializers.CharField()


class PaymentConfigSerializer(serializers.Serializer):
    """What a client has to know before it can pay."""

    provider = serializers.CharField()
    publishable_key = serializers.CharField(allow_blank=True, help_text="Empty for the sandbox.")
    currency = serializers.CharField()
    capture_method = serializers.ChoiceField(
        choices=Payment.CaptureMethod.choices,
        help_text="manual: a payment that is confirmed is authorised, and collected later.",
    )
    sandbox = serializers.BooleanField(help_text="True: no real money moves.")
    note = serializers.CharField(allow_blank=True, help_text="Says so for a person; else empty.")
    test_cards = SandboxCardSerializer(many=True)
