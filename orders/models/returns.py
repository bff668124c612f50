"""Goods that come back."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils import timezone

from orders.errors import IllegalReturnTransition
from orders.models.lines import OrderLine
from orders.models.purchases import Order


class ReturnQuerySet(models.QuerySet["Return"]):
    def with_lines(self) -> "ReturnQuerySet":
        """Fetch the lines and what was bought."""
        lines = ReturnLine.objects.select_related("order_line").order_by("pk")
        return self.prefetch_related(Prefetch("lines", lines))


class Return(models.Model):
    """Units of an order that the customer sends back. The refund is a step of its own."""

    class Status(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        REJECTED = "rejected"
        RECEIVED = "received"
        RESTOCKED = "restocked"
        CLOSED = "closed"

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        Status.REQUESTED: {Status.APPROVED, Status.REJECTED},
        # Closed: the goods never came; the units can be asked back anew.
        Status.APPROVED: {Status.RECEIVED, Status.CLOSED},
        Status.REJECTED: set(),
        Status.RECEIVED: {Status.RESTOCKED},
        Status.RESTOCKED: set(),
        Status.CLOSED: set(),
    }

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.REQUESTED)
    reason = models.CharField(max_length=500, blank=True, default="")
    requested_by_id = models.BigIntegerField(null=True, blank=True, help_text="Who asked for it.")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    received_at = models.DateTimeField(null=True, blank=True)

    objects = ReturnQuerySet.as_manager()

    class Meta:
        permissions = [("receive_return", "Can receive and restock returned goods")]

    def __str__(self) -> str:
        return f"Return {self.pk} of order {self.order_id}"

    def transition_to(self, status: str) -> None:
        """Move to another status; the caller holds the order's lock and saves.

        :raises IllegalReturnTransition: the present status does not lead there.
        """
        allowed = self.TRANSITIONS[self.status]
        if status not in allowed:
            raise IllegalReturnTransition(
                current=str(self.status),
                wanted=str(status),
                allowed=", ".join(sorted(str(step) for step in allowed)) or "nothing",
            )
        self.status = status


class ReturnLine(models.Model):
    """So many units of one order line, and in which condition they came back."""

    # Named so because a class cannot have a field called "return".
    returned_in = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(help_text="Units asked back.")
    good_quantity = models.PositiveIntegerField(default=0, help_text="Came back fit for sale.")
    damaged_quantity = models.PositiveIntegerField(default=0, help_text="Came back unfit for sale.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["returned_in", "order_line"], name="return_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="return_line_not_empty"),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("good_quantity") + F("damaged_quantity")),
                name="return_line_received_within_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of order line {self.order_line_id}"
