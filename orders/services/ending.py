"""How an order ends before it ships: cancelled, expired, removed from sight."""

import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from cart import services as cart
from inventory import services as inventory
from inventory.models import Reservation
from orders.errors import AlreadyPartlyShipped, OrderNotUnpaid, RefundFirst
from orders.events import OrderCancelled, OrderExpired
from orders.models import Order, OrderQuerySet
from orders.services import history
from orders.services._lock import lock_order_and_payments
from orders.services.balance import take_balance
from payments import services as payments
from shipping import services as shipping
from shop_backend.kernel import events, statements, sweeping, transactions
from shop_backend.kernel.money import Money
from shop_backend.kernel.selects import one_line

logger = logging.getLogger(__name__)

_EXPIRES_AT = Order._meta.get_field("expires_at")
# Asked at every refusal of something that is sold out.
_OVERDUE_HOLD = one_line(
    """
    SELECT 1 FROM orders_order o
    JOIN inventory_reservation r ON r.reference = o.number AND r.status = 'held'
    JOIN inventory_stocklevel l ON l.id = r.level_id
    WHERE o.status = 'pending' AND o.expires_at <= %s AND l.item_id IN ({among})
    LIMIT 1
    """
)
_UNPAID = {Order.Status.PENDING, Order.Status.CANCELLED, Order.Status.EXPIRED}


@transactions.use_case
def cancel_order(*, number: str, actor_id: int | None) -> Order:
    """Cancel an order that is not on its way: release its stock, refund what was paid.

    :raises IllegalOrderTransition: its status does not allow it.
    :raises AlreadyPartlyShipped: a parcel has left, though not all of it.
    """
    order = lock_order_and_payments(number=number)
    _cancel(order, actor_id)
    return order


@transactions.use_case
def cancel_order_as_staff(*, number: str, actor: User) -> Order:
    """Cancel an order for a customer, within the refund limit of the actor's role.

    :raises RefundLimitExceeded: it would send back more than the role may.
    """
    order = lock_order_and_payments(number=number)
    payments.check_refund_limit_for(actor=actor, reference=number)
    _cancel(order, actor.pk)
    return order


@transactions.use_case
def delete_unpaid_order(*, number: str, actor_id: int) -> None:
    """Cancel the customer's own unpaid order and remove it from sight.

    :raises OrderNotUnpaid: money has arrived or been authorised.
    """
    order = lock_order_and_payments(number=number)
    if order.captured_minor or order.is_authorized or order.status not in _UNPAID:
        raise OrderNotUnpaid
    _hide(order, actor_id)


@transactions.use_case
def delete_order_as_staff(*, number: str, actor_id: int) -> None:
    """Cancel an order that holds no money any more, and remove it from sight.

    :raises RefundFirst: captured money has not gone back.
    :raises IllegalOrderTransition: it is on its way.
    """
    order = lock_order_and_payments(number=number)
    take_balance(order)
    kept = Money(order.captured_minor - order.refunded_minor, order.currency)
    if kept:
        raise RefundFirst(amount=str(kept))
    _hide(order, actor_id)


def expire_overdue_orders(
    *,
    now: datetime,
    limit: int,
    item_ids: Collection[int] | None = None,
    numbers: Iterable[str] | None = None,
) -> int:
    """Expire unpaid orders whose hold has run out, oldest first; return how many.

    :param item_ids: only the orders that hold some of these stock items.
    :param numbers: only these orders.
    """
    overdue = Order.objects.overdue(now)
    if item_ids is not None:
        overdue = _holding(overdue, item_ids)
    if numbers is not None:
        overdue = overdue.filter(number__in=numbers)
    overdue = overdue.order_by("expires_at", "pk")
    due = transactions.run(partial(_choose_free, overdue, limit))
    return sum(_try_to_expire(number, now) for number in due)


def _choose_free(overdue: QuerySet[Order], limit: int) -> list[str]:
    # Whoever pays or ends one of them at this moment decides about it.
    return list(sweeping.free_rows(overdue).values_list("number", flat=True)[:limit])


def is_held_by_overdue_orders(*, item_ids: Collection[int]) -> bool:
    """Return whether orders whose hold has run out still hold some of these stock items."""
    now = statements.adapted(_EXPIRES_AT, timezone.now())
    places = ", ".join(["%s"] * len(item_ids))
    return bool(statements.read(_OVERDUE_HOLD.replace("{among}", places), [now, *item_ids]))


def _holding(orders: OrderQuerySet, item_ids: Collection[int]) -> OrderQuerySet:
    holders = Reservation.objects.held().filter(level__item_id__in=item_ids)
    return orders.filter(number__in=holders.values("reference"))


def _try_to_expire(number: str, now: datetime) -> bool:
    try:
        return transactions.run(partial(_expire, number, now))
    except Exception:  # one order that cannot expire must not keep the others from it
        logger.exception("order %s did not expire", number)
        return False


def _expire(number: str, now: datetime) -> bool:
    order = lock_order_and_payments(number=number)
    if order.status != Order.Status.PENDING or order.expires_at is None or order.expires_at > now:
        return False
    order.transition_to(Order.Status.EXPIRED)
    order.save(update_fields=["status"])
    history.record(order=order, kind="expired")
    events.publish(OrderExpired(order.pk))
    payments.cancel_open_payments(reference=number)
    if order.captured_minor > order.refunded_minor:  # a part was paid; the goods are not kept
        payments.refund_everything(reference=number, reason="order expired", actor_id=None)
    take_balance(order)
    _give_back_coupon(order)
    inventory.release(reference=number)
    return True


def _cancel(order: Order, actor_id: int | None) -> None:
    order.transition_to(Order.Status.CANCELLED)  # what has all left, or arrived, is refused here
    if order.lines.filter(shipped_quantity__gt=0).exists():
        raise AlreadyPartlyShipped
    shipping.cancel_packed_shipments(reference=order.number, actor_id=actor_id)
    order.expires_at = None
    order.save(update_fields=["status", "expires_at"])
    history.record(order=order, kind="cancelled", actor_id=actor_id)
    events.publish(OrderCancelled(order.pk))
    payments.cancel_open_payments(reference=order.number)
    payments.refund_everything(reference=order.number, reason="order cancelled", actor_id=actor_id)
    take_balance(order)
    _give_back_coupon(order)
    inventory.release(reference=order.number)


def _give_back_coupon(order: Order) -> None:
    if order.coupon_code:
        cart.release_coupon(reference=order.number)


def _hide(order: Order, actor_id: int) -> None:
    if order.status not in {Order.Status.CANCELLED, Order.Status.EXPIRED}:
        _cancel(order, actor_id)
    order.hidden_at = timezone.now()
    order.save(update_fields=["hidden_at"])
    history.record(order=order, kind="removed", actor_id=actor_id)
