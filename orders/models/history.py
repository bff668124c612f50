"""What happened to an order, and what the staff wrote on it."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from orders.models.purchases import Order


class OrderEventQuerySet(models.QuerySet["OrderEvent"]):
    def visible_to(self, user: Any) -> "OrderEventQuerySet":
        """Return the events this user may see: not that the house wrote a note to itself."""
        if user.has_perm("orders.view_ordernote"):
            return self
        return self.exclude(kind=OrderEvent.INTERNAL_NOTE)


class OrderEvent(models.Model):
    """One line of an order's history: append-only, and the database sees to it."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=12, choices=Order.Status.choices)
    data = models.JSONField(default=dict, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="Who, if a person did it.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OrderEventQuerySet.as_manager()

    APPEND_ONLY: ClassVar[bool] = True
    INTERNAL_NOTE: ClassVar[str] = "internal_note_added"

    def __str__(self) -> str:
        return f"{self.order_id}: {self.kind}"


class OrderNoteQuerySet(models.QuerySet["OrderNote"]):
    def visible_to(self, user: Any) -> "OrderNoteQuerySet":
        """Return the notes this user may read: staff all, customers those to them."""
        return self if user.has_perm("orders.view_ordernote") else self.filter(is_internal=False)


class OrderNote(models.Model):
    """What a shop worker wrote on an order, for the customer or for the house alone."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notes")
    text = models.CharField(max_length=2000)
    is_internal = models.BooleanField(
        default=True, help_text="Shown to staff alone; without it the customer reads it too."
    )
    author_id = models.BigIntegerField(null=True, blank=True, help_text="Who wrote it.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OrderNoteQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Note {self.pk} on order {self.order_id}"
