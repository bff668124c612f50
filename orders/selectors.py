"""Reads of orders that the views share."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from orders.models import Order, OrderNote, Return
from orders.reading import Found
from payments import selectors as payments
from shipping import selectors as shipping

# What moving a return to a status asks of the worker.
RETURN_PERMISSIONS: dict[str, str] = {
    Return.Status.APPROVED: "orders.change_return",
    Return.Status.REJECTED: "orders.change_return",
    Return.Status.CLOSED: "orders.change_return",
    Return.Status.RECEIVED: "orders.receive_return",
    Return.Status.RESTOCKED: "orders.receive_return",
}
_CANCELLABLE = {Order.Status.PENDING, Order.Status.PAID, Order.Status.PROCESSING}


def get_surroundings_of_new() -> dict[str, Any]:
    """Return the surroundings of an order that has just been placed: nothing yet."""
    return {"payments": {}, "shipments": {}, "returns": [], "notes": []}


def get_surroundings(*, order: Order, user: Any, found: Found | None = None) -> dict[str, Any]:
    """Return what belongs to the order and this user may see, as its serializer wants it.

    :param found: what is known to be there; without it everything is looked for.
    """
    has_left = any(line.shipped_quantity for line in order.lines.all())
    returns = Return.objects.filter(order=order).with_lines().order_by("pk")
    notes = OrderNote.objects.filter(order=order).visible_to(user).order_by("pk")
    references = [order.number]
    is_there = found or Found(order, has_shipments=True, has_notes=True)
    return {
        "payments": payments.get_payments(references=references),
        "shipments": shipping.get_shipments(references=references)
        if is_there.has_shipments
        else {},
        "returns": list(returns) if has_left else [],  # only what has left can come back
        "notes": list(notes) if is_there.has_notes else [],
    }


def get_allowed_actions(*, order: Order, user: Any) -> list[str]:
    """Return what this user may do with the order now: the names of its paths and statuses.

    ``refund`` is done on the order's payments.
    """
    is_owner = order.customer_id == user.pk
    is_untouched = not any(line.shipped_quantity for line in order.lines.all())
    may_cancel = is_owner or user.has_perm("orders.cancel_order")
    is_pending = order.status == Order.Status.PENDING
    actions = {
        "pay": is_owner and is_pending,
        "cancel": may_cancel and order.status in _CANCELLABLE and is_untouched,
        "paid": is_pending and user.has_perm("payments.record_offline_payment"),
        **_get_steps(order, user),
        "return": may_return(order=order, user=user, now=timezone.now()),
        "refund": order.captured_minor > order.refunded_minor and may_refund(user),
        "note": user.has_perm("orders.add_ordernote"),
    }
    return [name for name, is_allowed in actions.items() if is_allowed]


def may_return(*, order: Order, user: Any, now: datetime) -> bool:
    """Return whether this user may ask for a return of some of the order's units now."""
    if not any(line.returnable_quantity for line in order.lines.all()):
        return False
    if user.has_perm("orders.add_return"):
        return True
    deadline = get_return_deadline(order)
    return order.customer_id == user.pk and (deadline is None or now <= deadline)


def may_refund(user: Any) -> bool:
    """Return whether this user may send money back, within whatever limit."""
    names = ("refund_payment", "refund_payment_within_limit")
    return any(user.has_perm(f"payments.{name}") for name in names)


def get_return_deadline(order: Order) -> datetime | None:
    """Return until when the customer may ask for a return; ``None`` while parcels travel.

    Counted from the delivery of the order's last parcel.
    """
    shipments = shipping.get_shipments(references=[order.number])[order.number]
    left = [shipment for shipment in shipments if shipment.shipped_at is not None]
    delivered = [shipment.delivered_at for shipment in left if shipment.delivered_at is not None]
    if not delivered or len(delivered) < len(left):
        return None
    return max(delivered) + timedelta(days=settings.RETURN_DAYS)


def get_allowed_return_steps(*, status: str, user: Any) -> list[str]:
    """Return the statuses that this user may give to a return of this status."""
    return sorted(
        str(step) for step in Return.TRANSITIONS[status] if user.has_perm(RETURN_PERMISSIONS[step])
    )


def _get_steps(order: Order, user: Any) -> dict[str, bool]:
    steps = {Order.Status.PROCESSING, Order.Status.SHIPPED, Order.Status.DELIVERED}
    may_fulfil = user.has_perm("orders.fulfil_order")
    leads_to = sorted(str(step) for step in Order.TRANSITIONS[order.status] & steps)
    return dict.fromkeys(leads_to, may_fulfil)
