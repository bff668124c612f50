"""Setting an order's status by hand: each word is one of the trade's acts."""

from collections import Counter
from collections.abc import Callable

from accounts.models import User
from orders.errors import (
    IllegalOrderTransition,
    OrderActionRefused,
    StatusNotSettable,
)
from orders.models import Order
from orders.services import history
from orders.services._lock import lock_order_and_payments
from orders.services.ending import cancel_order_as_staff
from payments import services as payments
from shipping import selectors as shipping_selectors
from shipping import services as shipping
from shipping.models import Shipment
from shop_backend.kernel import transactions


@transactions.use_case
def set_status(*, number: str, status: str, actor: User) -> None:
    """Do what the status means: record the payment, pack and ship, deliver, cancel.

    :raises OrderActionRefused: the actor's role does not allow it.
    :raises IllegalOrderTransition: the present status does not lead there.
    :raises StatusNotSettable: it is a status that only the shop itself gives.
    """
    if status not in _ACTS:
        # Only those who may set something learn what cannot be set.
        _require(actor, "orders.change_order", "orders.fulfil_order", "orders.cancel_order")
        raise StatusNotSettable(wanted=status)
    permission, act = _ACTS[status]
    _require(actor, permission)
    order = lock_order_and_payments(number=number)
    _check_leads_to(order, status)
    act(order, actor)


def _mark_paid(order: Order, actor: User) -> None:
    payments.record_offline_payment(
        reference=order.number, amount=None, note="recorded by hand", actor_id=actor.pk
    )


def _start_processing(order: Order, actor: User) -> None:
    order.transition_to(Order.Status.PROCESSING)
    order.save(update_fields=["status"])
    history.record(order=order, kind="processing", actor_id=actor.pk)


def _ship_the_rest(order: Order, actor: User) -> None:
    shipments = shipping_selectors.get_shipments(references=[order.number])
    packed = [
        shipment
        for shipment in shipments.get(order.number, [])
        if shipment.status == Shipment.Status.PACKED
    ]
    parcelled = Counter[str]()
    for shipment in shipments.get(order.number, []):
        if shipment.status != Shipment.Status.CANCELLED:
            parcelled.update({line.sku: line.quantity for line in shipment.lines.all()})
    if any(line.quantity > parcelled[line.sku] for line in order.lines.all()):
        packed.append(
            shipping.create_shipment(reference=order.number, lines=None, actor_id=actor.pk)
        )
    for shipment in packed:
        shipping.mark_shipped(shipment_id=shipment.pk, actor_id=actor.pk)


def _deliver(order: Order, actor: User) -> None:
    shipments = shipping_selectors.get_shipments(references=[order.number])
    for shipment in shipments.get(order.number, []):
        if shipment.status == Shipment.Status.SHIPPED:
            shipping.mark_delivered(shipment_id=shipment.pk, actor_id=actor.pk)


def _cancel(order: Order, actor: User) -> None:
    cancel_order_as_staff(number=order.number, actor=actor)


_ACTS: dict[str, tuple[str, Callable[[Order, User], None]]] = {
    Order.Status.PAID: ("payments.record_offline_payment", _mark_paid),
    Order.Status.PROCESSING: ("orders.fulfil_order", _start_processing),
    Order.Status.SHIPPED: ("orders.fulfil_order", _ship_the_rest),
    Order.Status.DELIVERED: ("orders.fulfil_order", _deliver),
    Order.Status.CANCELLED: ("orders.cancel_order", _cancel),
}


def _require(actor: User, *permissions: str) -> None:
    if not any(actor.has_perm(permission) for permission in permissions):
        raise OrderActionRefused


def _check_leads_to(order: Order, status: str) -> None:
    allowed = {step for step in Order.TRANSITIONS[order.status] if step in _ACTS}
    # An expired order is paid by money that arrives late, not by hand.
    if order.status == Order.Status.EXPIRED:
        allowed = set()
    if status not in allowed:
        raise IllegalOrderTransition(
            current=str(order.status),
            wanted=status,
            allowed=", ".join(sorted(str(step) for step in allowed)) or "nothing",
        )
