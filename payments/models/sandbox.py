"""Tables of the built-in provider, which behaves as if it were somebody else's.

Nothing but providers/sandbox.py reads or writes them. No card number is kept here either.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from payments.models.payment import Payment, Refund


class SandboxIntent(models.Model):
    """The sandbox's PaymentIntent."""

    intent_id = models.CharField(max_length=64, unique=True)
    client_secret = models.CharField(max_length=128)
    status = models.CharField(max_length=24, choices=Payment.Status.choices)
    amount_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    capture_method = models.CharField(max_length=10, choices=Payment.CaptureMethod.choices)
    card = models.CharField(max_length=100, blank=True, default="", help_text="pm_card_…")
    failure_code = models.CharField(max_length=64, blank=True, default="")
    metadata = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    captured_minor__gte=0,
                    captured_minor__lte=F("amount_minor"),
                    refunded_minor__gte=0,
                    refunded_minor__lte=F("captured_minor"),
                ),
                name="sandbox_intent_adds_up",
            )
        ]

    def __str__(self) -> str:
        return self.intent_id


class SandboxRefund(models.Model):
    """The sandbox's Refund."""

    refund_id = models.CharField(max_length=64, unique=True)
    intent = models.ForeignKey(SandboxIntent, on_delete=models.PROTECT, related_name="refunds")
    status = models.CharField(max_length=10, choices=Refund.Status.choices)
    amount_minor = models.BigIntegerField()
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.refund_id


class SandboxEvent(models.Model):
    """What the sandbox sends to the shop's webhook."""

    event_id = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=100)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class SandboxRequest(models.Model):
    """The sandbox's memory of idempotency keys: same key, same answer."""

    key = models.CharField(max_length=100, unique=True)
    fingerprint = models.CharField(max_length=64)
    answer = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key
