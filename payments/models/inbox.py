"""What the providers told us, and what of it a person has to look at."""

from django.db import models
from django.utils import timezone

from payments.models.payment import Payment


class ProviderEventQuerySet(models.QuerySet["ProviderEvent"]):
    def waiting(self) -> "ProviderEventQuerySet":
        """Return what was not dealt with and is tried again by itself."""
        return self.filter(applied_at=None, attempts__lt=ProviderEvent.MAX_ATTEMPTS)

    def given_up(self) -> "ProviderEventQuerySet":
        """Return what was tried too often: a person has to apply it again."""
        return self.filter(applied_at=None, attempts__gte=ProviderEvent.MAX_ATTEMPTS)


class ProviderEvent(models.Model):
    """The webhook inbox: each event is kept before it is applied, and applied once.

    ``applied_at`` says that the event was dealt with; ``failure`` why it had no effect. Kept is
    what the event says about the money, not the provider's whole body with the payer in it.
    """

    MAX_ATTEMPTS = 20

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=100)
    payload = models.JSONField()
    received_at = models.DateTimeField(default=timezone.now, db_index=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    failure = models.CharField(max_length=500, blank=True, default="")

    objects = ProviderEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="provider_event_once")
        ]
        indexes = [
            models.Index(fields=["applied_at", "next_attempt_at"], name="provider_event_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class PaymentReview(models.Model):
    """What the provider said that does not fit, until a person has looked at it.

    The open ones of a payment stand in its ``review_reason``, the weightiest.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="reviews")
    reason = models.CharField(max_length=64)
    # Payment and reason while it is open, empty afterwards: the same again is no second one.
    open_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    said = models.JSONField(default=dict, help_text="What the provider said.")
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by_id = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.reason} of payment {self.payment_id}"
