"""The money ledger: double entry, append-only. The counters of a payment are a cache of it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from payments.models.payment import Payment, Refund


class Account(models.TextChoices):
    """Where the money of a payment can be. Their balances add up to zero."""

    CUSTOMER = "customer"  # on the customer's own side
    PROCESSING = "processing"  # the provider works on it
    AUTHORIZED = "authorized"  # set aside at the provider
    CAPTURED = "captured"  # the shop's, and not on its way back
    REFUND_PENDING = "refund_pending"  # on its way back
    REFUNDED = "refunded"  # gone back


class MoneyMovement(models.Model):
    """One thing that happened to the money of a payment; its entries add up to zero."""

    class Kind(models.TextChoices):
        OPENING = "opening"  # the counters of before there was a ledger
        PROCESSING_STARTED = "processing_started"
        PROCESSING_ENDED = "processing_ended"
        AUTHORIZATION = "authorization"
        RELEASE = "release"  # of an authorisation that is not captured
        CAPTURE = "capture"
        REFUND_REQUEST = "refund_request"
        REFUND_SUCCESS = "refund_success"
        REFUND_FAILURE = "refund_failure"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # What it says can be said once: whichever event, answer or request says it again is refused.
    once_key = models.CharField(max_length=100, unique=True)
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="movements"
    )
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="Who, if a person did it.")
    created_at = models.DateTimeField(default=timezone.now)

    APPEND_ONLY: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.once_key


class MoneyEntry(models.Model):
    """One account's part in a movement: what came to it, or with a minus what left it."""

    movement = models.ForeignKey(MoneyMovement, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(max_length=16, choices=Account.choices)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    APPEND_ONLY: ClassVar[bool] = True

    class Meta:
        verbose_name_plural = "money entries"
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="money_entry_of_something"),
            models.CheckConstraint(
                condition=Q(account__in=Account.values), name="money_entry_of_an_account"
            ),
            models.UniqueConstraint(
                fields=["movement", "account"], name="money_entry_once_an_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_minor:+d} {self.currency}"
