"""Mails about orders on their way: a row that names the order and the reason, no person."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from orders.events import (
    OrderCancelled,
    OrderExpired,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
)
from orders.models import Order
from shipping.models import Shipment
from shop_backend.kernel import outbox, statements, transactions

KIND = "orders.send_mail"
_HAS_READER = "SELECT 1 FROM orders_order WHERE id = %s AND hidden_at IS NULL AND email <> ''"


class MailPurpose(StrEnum):
    """Why the shop writes to a customer about an order."""

    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_LATEST: Mapping[str, MailPurpose] = {
    Order.Status.PAID: MailPurpose.PAID,
    Order.Status.PROCESSING: MailPurpose.PAID,
    Order.Status.CANCELLED: MailPurpose.CANCELLED,
    Order.Status.EXPIRED: MailPurpose.EXPIRED,
}


@transactions.requires_transaction
def post(*, purpose: MailPurpose, order_id: int, **details: int) -> bool:
    """Have a mail sent once this transaction is committed; return whether there is a reader.

    :param details: ids and amounts.
    """
    return _post_if_any(_HAS_READER, purpose, order_id, details)


@transactions.use_case
def post_latest_again(*, order_id: int) -> bool:
    """Send the mail about the order's present state once more; ``False``: nobody to send it to."""
    order = Order.objects.get(pk=order_id)
    shipment_id = (
        Shipment.objects.filter(reference=order.number, shipped_at__isnull=False)
        .order_by("-shipped_at", "-pk")
        .values_list("pk", flat=True)
        .first()
    )
    if shipment_id is not None:
        return post(purpose=MailPurpose.SHIPPED, order_id=order_id, shipment_id=shipment_id)
    return post(purpose=_LATEST.get(order.status, MailPurpose.PLACED), order_id=order_id)


def on_order_placed(event: OrderPlaced) -> None:
    """Confirm the order."""
    post(purpose=MailPurpose.PLACED, order_id=event.order_id)


def on_order_paid(event: OrderPaid) -> None:
    """Say that the money is there; not of an order that cost nothing."""
    costly = f"{_HAS_READER} AND total_minor > 0"
    _post_if_any(costly, MailPurpose.PAID, event.order_id, {})


def on_order_shipped(event: OrderShipped) -> None:
    """Say what is on its way, and how to follow it."""
    post(purpose=MailPurpose.SHIPPED, order_id=event.order_id, shipment_id=event.shipment_id)


def on_order_refunded(event: OrderRefunded) -> None:
    """Say that money is on its way back."""
    post(purpose=MailPurpose.REFUNDED, order_id=event.order_id, amount_minor=event.amount.minor)


def on_order_cancelled(event: OrderCancelled) -> None:
    """Say that the order was called off, by whomever; of money that goes back says its own mail."""
    post(purpose=MailPurpose.CANCELLED, order_id=event.order_id)


def on_order_expired(event: OrderExpired) -> None:
    """Say that the goods are no longer held."""
    post(purpose=MailPurpose.EXPIRED, order_id=event.order_id)


def _post_if_any(
    has_reader: str, purpose: MailPurpose, order_id: int, details: Mapping[str, int]
) -> bool:
    if not statements.read(has_reader, [order_id]):
        return False
    payload: dict[str, Any] = {"purpose": purpose.value, "order_id": order_id, **details}
    outbox.put(KIND, payload)
    return True
