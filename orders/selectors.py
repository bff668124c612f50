"""Reads of orders that the views share."""

from collections import namedtuple
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from orders.errors import OrderNotFound
from orders.models import Order, OrderLine, OrderNote, Return
from payments import selectors as payments
from shipping import selectors as shipping
from shipping.models import Shipment
from shop_backend.kernel import statements
from shop_backend.kernel.statements import Columns, Select

_LONGEST_ID = 18  # digits of what a column can hold
# What moving a return to a status asks of the worker.
RETURN_PERMISSIONS: dict[str, str] = {
    Return.Status.APPROVED: "orders.change_return",
    Return.Status.REJECTED: "orders.change_return",
    Return.Status.CLOSED: "orders.change_return",
    Return.Status.RECEIVED: "orders.receive_return",
    Return.Status.RESTOCKED: "orders.receive_return",
}
_LINE_FIELDS = tuple(field.attname for field in OrderLine._meta.concrete_fields)
LineRow = namedtuple("LineRow", _LINE_FIELDS)  # type: ignore[misc]  # the model's columns
_LINES = Select(
    "SELECT {columns} FROM orders_orderline l WHERE l.order_id IN ({among}) ORDER BY l.id",
    Columns("l", OrderLine),
)
_CANCELLABLE = {Order.Status.PENDING, Order.Status.PAID, Order.Status.PROCESSING}


def get_surroundings_of_new() -> dict[str, Any]:
    """Return the surroundings of an order that has just been placed: nothing yet."""
    return {"payments": {}, "shipments": {}, "returns": [], "notes": []}


def find_order(*, name: str, user: Any) -> Order:
    """Return the order of this id or number that the user may see, with its lines.

    :raises OrderNotFound: there is none, or it is another's.
    """
    is_id = name.isascii() and name.isdigit()
    if is_id and len(name) > _LONGEST_ID:
        raise OrderNotFound
    named: dict[str, Any] = {"id": int(name)} if is_id else {"number": name.upper()}
    for order in statements.fetch(Order, **named):
        is_owner = order.customer_id == user.pk
        if order.hidden_at is None and (is_owner or user.has_perm("orders.view_order")):
            order.remember_lines(statements.fetch(OrderLine, order=order.pk))
            return order
    raise OrderNotFound


def get_lines(*, order_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Return the lines of each order as rows of the model's columns, in one query."""
    lines: dict[int, list[Any]] = {pk: [] for pk in order_ids}
    if order_ids:
        for row in _LINES.rows(order_ids, among=order_ids):
            line: Any = LineRow._make(row)
            lines[line.order_id].append(line)
    return lines


def get_surroundings(*, order: Order, user: Any) -> dict[str, Any]:
    """Return what belongs to the order and this user may see, as its serializer wants it."""
    has_left = any(line.shipped_quantity for line in order.lines.all())
    returns = Return.objects.filter(order=order).with_lines().order_by("pk")
    return {
        "payments": payments.get_payments(references=[order.number]),
        # Looked for plainly first: most orders have none yet.
        "shipments": shipping.get_shipments(references=[order.number])
        if statements.fetch(Shipment, reference=order.number)
        else {},
        "returns": list(returns) if has_left else [],  # only what has left can come back
        "notes": list(OrderNote.objects.filter(order=order).visible_to(user).order_by("pk"))
        if statements.fetch(OrderNote, order=order.pk)
        else [],
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
