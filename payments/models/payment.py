"""Money that comes in and goes back. A payment knows a reference, never an order."""

import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils import timezone

from shop_backend.kernel.money import Money


def new_provider_key() -> str:
    """Return what no other payment has, here or in an earlier database."""
    return secrets.token_hex(8)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, user: Any) -> "PaymentQuerySet":
        """Return the payments this user may see: their own; staff's with the permission, all."""
        if not user.is_authenticated:
            return self.none()
        if user.has_perm("payments.view_payment"):
            return self
        return self.filter(customer=user)

    def open(self) -> "PaymentQuerySet":
        """Return the payments that may still be paid."""
        return self.filter(open_reference__isnull=False)

    def unsettled(self) -> "PaymentQuerySet":
        """Return the payments that may still be paid, or that the provider has yet to give up."""
        return self.filter(Payment.UNSETTLED)

    def with_refunds(self) -> "PaymentQuerySet":
        """Fetch the refunds, oldest first."""
        return self.prefetch_related(Prefetch("refunds", Refund.objects.order_by("pk")))


class Payment(models.Model):
    """One attempt to collect what is due on a reference (an order's number).

    The states are those of Stripe's PaymentIntent (docs.stripe.com/payments/paymentintents).
    """

    class Status(models.TextChoices):
        REQUIRES_PAYMENT_METHOD = "requires_payment_method"
        REQUIRES_ACTION = "requires_action"
        PROCESSING = "processing"
        REQUIRES_CAPTURE = "requires_capture"
        SUCCEEDED = "succeeded"
        CANCELED = "canceled"

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        Status.REQUIRES_PAYMENT_METHOD: {
            Status.REQUIRES_ACTION,
            Status.PROCESSING,
            Status.REQUIRES_CAPTURE,
            Status.SUCCEEDED,
            Status.CANCELED,
        },
        Status.REQUIRES_ACTION: {
            Status.REQUIRES_PAYMENT_METHOD,
            Status.PROCESSING,
            Status.REQUIRES_CAPTURE,
            Status.SUCCEEDED,
            Status.CANCELED,
        },
        Status.PROCESSING: {
            Status.REQUIRES_PAYMENT_METHOD,
            Status.REQUIRES_ACTION,  # after a decline that was not told
            Status.REQUIRES_CAPTURE,
            Status.SUCCEEDED,
            Status.CANCELED,
        },
        Status.REQUIRES_CAPTURE: {Status.SUCCEEDED, Status.CANCELED},
        Status.SUCCEEDED: set(),
        # The provider took the money before our cancellation reached it.
        Status.CANCELED: {Status.SUCCEEDED},
    }

    class CaptureMethod(models.TextChoices):
        AUTOMATIC = "automatic"
        MANUAL = "manual"

    UNSETTLED: ClassVar = Q(open_reference__isnull=False) | Q(is_cancel_pending=True)

    # What a person has to look at without the payment itself being in doubt.
    HARMLESS_REVIEWS: ClassVar = frozenset(
        {
            "refund_failed",
            "refund_failed_late",
            "refund_mismatch",
            "refund_of_foreign_intent",
            "captured_in_part",
        }
    )
    OFFLINE = "offline"  # the provider of money that was received outside

    reference = models.CharField(max_length=64, db_index=True)
    # Equal to the reference while the payment is open, empty afterwards: one open payment each.
    open_reference = models.CharField(max_length=64, null=True, blank=True, unique=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    provider = models.CharField(max_length=20)
    provider_reference = models.CharField(max_length=255, null=True, blank=True, unique=True)
    client_secret = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(
        max_length=24, choices=Status.choices, default=Status.REQUIRES_PAYMENT_METHOD
    )
    amount_minor = models.BigIntegerField()
    # What the provider works on, what it has set aside, what it took and what goes back of it:
    # counted here, kept in the ledger.
    processing_minor = models.BigIntegerField(default=0)
    authorized_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    capture_method = models.CharField(
        max_length=10, choices=CaptureMethod.choices, default=CaptureMethod.AUTOMATIC
    )
    failure_code = models.CharField(max_length=64, blank=True, default="")
    next_action = models.JSONField(null=True, blank=True)
    # The latest of the provider's own versions that was applied: older news changes nothing.
    provider_version = models.BigIntegerField(default=0)
    # How often it was confirmed, and for which request last: the provider's idempotency keys.
    confirmations = models.PositiveIntegerField(default=0)
    confirmation_attempt = models.CharField(max_length=64, blank=True, default="")
    # The requests that started it, and captured or voided it, last: their repeats get the answer.
    start_attempt = models.CharField(max_length=64, blank=True, default="")
    ending_attempt = models.CharField(max_length=64, blank=True, default="")
    # A part of the provider's idempotency keys: after a database reset a pk comes again.
    provider_key = models.CharField(max_length=32, default=new_provider_key)
    # Given up here, perhaps not yet at the provider: until then no other payment is opened.
    is_cancel_pending = models.BooleanField(default=False)
    review_reason = models.CharField(
        max_length=64, blank=True, default="", help_text="What the provider said did not fit."
    )
    note = models.CharField(max_length=200, blank=True, default="")
    recorded_by_id = models.BigIntegerField(
        null=True, blank=True, help_text="Who entered money that was received outside."
    )
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(default=timezone.now)
    synced_at = models.DateTimeField(default=timezone.now, help_text="Last asked for.")

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_of_something"),
            models.CheckConstraint(
                condition=Q(captured_minor__gte=0, captured_minor__lte=F("amount_minor")),
                name="payment_captured_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("captured_minor")),
                name="payment_refunded_within_captured",
            ),
            models.CheckConstraint(
                condition=Q(
                    processing_minor__gte=0,
                    authorized_minor__gte=0,
                    amount_minor__gte=F("processing_minor")
                    + F("authorized_minor")
                    + F("captured_minor"),
                ),
                name="payment_awaited_within_amount",
            ),
            models.CheckConstraint(condition=~Q(provider_key=""), name="payment_has_its_key"),
        ]
        permissions = [
            ("refund_payment", "Can refund payments without limit"),
            ("refund_payment_within_limit", "Can refund payments up to the support limit"),
            ("record_offline_payment", "Can record money received outside"),
            ("capture_payment", "Can capture or void authorised payments"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.reference}"

    @property
    def amount(self) -> Money:
        """What this payment asks for."""
        return Money(self.amount_minor, self.currency)

    @property
    def refundable(self) -> Money:
        """What was captured and is not on its way back."""
        return Money(self.captured_minor - self.refunded_minor, self.currency)

    @property
    def is_open(self) -> bool:
        """Whether it may still be paid."""
        return self.open_reference is not None

    @property
    def is_under_review(self) -> bool:
        """Whether nothing goes on with it until a person has looked."""
        return self.review_reason not in {"", *self.HARMLESS_REVIEWS}

    def key_for(self, step: str) -> str:
        """Return the idempotency key of a step at the provider, ``payment-12`` or another."""
        return f"{step}-{self.provider_key}"

    def remember_refunds(self, refunds: list["Refund"]) -> None:
        """Let ``refunds.all()`` return these, unasked."""
        known: Any = Refund.objects.none()
        known._result_cache, known._prefetch_done = refunds, True
        self._prefetched_objects_cache = {"refunds": known}

    def may_become(self, status: str) -> bool:
        """Return whether the state table leads from here to there."""
        return status in self.TRANSITIONS[self.Status(self.status)]


class Refund(models.Model):
    """Money on its way back. ``refunded_minor`` of the payment counts it from the start, so
    that two refunds at once can never exceed what was captured."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempt_key = models.CharField(max_length=64, null=True, blank=True, unique=True)
    provider_reference = models.CharField(max_length=255, null=True, blank=True, unique=True)
    failure_code = models.CharField(max_length=64, blank=True, default="")
    actor_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_of_something")
        ]

    def __str__(self) -> str:
        return f"{self.amount} of payment {self.payment_id}"

    @property
    def amount(self) -> Money:
        """What goes back."""
        return Money(self.amount_minor, self.currency)
