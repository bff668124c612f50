"""Reads of orders that the views share."""

from typing import Any

from orders.models import Order
from payments import selectors as payments
from shipping import selectors as shipping

_CANCELLABLE = {Order.Status.PENDING, Order.Status.PAID, Order.Status.PROCESSING}


def get_surroundings(order: Order) -> dict[str, Any]:
    """Return the order's payments and shipments, as its serializer wants them."""
    return {
        "payments": payments.get_payments(references=[order.number]),
        "shipments": shipping.get_shipments(references=[order.number]),
    }


def get_allowed_actions(*, order: Order, user: Any) -> list[str]:
    """Return what this user may do with the order now: the names of its paths and statuses."""
    actions = []
    is_owner = order.customer_id == user.pk
    is_untouched = not any(line.shipped_quantity for line in order.lines.all())
    may_cancel = is_owner or user.has_perm("orders.cancel_order")
    if is_owner and order.status == Order.Status.PENDING:
        actions.append("pay")
    if may_cancel and order.status in _CANCELLABLE and is_untouched:
        actions.append("cancel")
    if user.has_perm("payments.record_offline_payment") and order.status == Order.Status.PENDING:
        actions.append("paid")
    if user.has_perm("orders.fulfil_order"):
        steps = {Order.Status.PROCESSING, Order.Status.SHIPPED, Order.Status.DELIVERED}
        actions += sorted(str(step) for step in Order.TRANSITIONS[order.status] & steps)
    return actions
