"""Tables of no trade: answers by key, what must leave, what is counted, what happened."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class IdempotencyKey(models.Model):
    """The first answer to a request, kept so that its repeats get the same one."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    operation = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="Digest of the request's body.")
    claim = models.UUIDField(default=uuid.uuid4)
    attempt = models.UUIDField(
        null=True, blank=True, help_text="What is done in steps; survives a lost answer."
    )
    leased_until = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    payload = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "operation", "key"], name="idempotency_key_once"
            )
        ]
        # Of the whole shop, which has no table of its own.
        permissions = [("view_invariants", "Can check what must never be false")]

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"


class OutboxMessage(models.Model):
    """Something that must leave the process, written with the change that it reports."""

    kind = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["sent_at", "dead_at", "next_attempt_at"], name="outbox_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class SpentBudget(models.Model):
    """Until when somebody's budget of some kind is spent; no row means that it is whole."""

    key = models.CharField(max_length=100, primary_key=True)
    spent_until = models.BigIntegerField(
        default=0, db_index=True, help_text="Microseconds since 1970."
    )

    def __str__(self) -> str:
        return self.key


class AuditEntry(models.Model):
    """One half of a write by staff or by a command: the attempt before it, or its outcome.

    Both halves share ``write``. It holds ids and redacted values, never names, addresses or
    secrets.
    """

    APPEND_ONLY: ClassVar[bool] = True

    class Phase(models.TextChoices):
        ATTEMPT = "attempt", "attempt"
        OUTCOME = "outcome", "outcome"

    write = models.UUIDField(db_index=True, help_text="Shared by an attempt and its outcomes.")
    phase = models.CharField(max_length=7, choices=Phase)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        help_text="Null: a command was run, and who did is not known here.",
    )
    roles = models.CharField(max_length=100, help_text="The actor's at that time.")
    request_id = models.CharField(max_length=64)
    network = models.CharField(
        max_length=50, blank=True, default="", help_text="The client's /24 or /48 network."
    )
    action = models.CharField(max_length=200, help_text="Method and route, or the admin's page.")
    object_kind = models.CharField(max_length=100, blank=True, default="")
    object_id = models.CharField(max_length=64, blank=True, default="")
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the HTTP answer.")
    changes = models.JSONField(default=dict, help_text="Field: [before, after].")

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [models.Index(fields=["object_kind", "object_id"], name="audit_object")]

    def __str__(self) -> str:
        return f"{self.phase} {self.action} #{self.pk}"


class RecordedEvent(models.Model):
    """Something that happened to an order, a payment or a parcel: the shop's journal.

    Written with what it reports, never changed, and the source of what the outside is told.
    Ids, amounts and codes alone: nothing about a person.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    payload = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["subject", "subject_id", "kind"], name="event_of_subject")]

    APPEND_ONLY: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"
