"""What money does to an order. Called by the payments' news, in their transaction."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cart import services as cart
from inventory import services as inventory
from inventory.errors import InsufficientStock
from orders.events import OrderPaid, OrderRefunded
from orders.models import Order
from orders.services import history
from orders.services._lock import lock_order
from orders.services.balance import take_balance
from orders.services.ending import is_held_by_overdue_orders
from payments import services as payments
from payments.events import (
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
)
from shop_backend.kernel import events, statements
from shop_backend.kernel.money import Money


def on_payment_captured(event: PaymentCaptured) -> None:
    """Count the money; an order that has its total is paid, one that is over gives it back."""
    order = lock_order(number=event.reference)
    take_balance(order)
    history.record(
        order=order,
        kind="payment_captured",
        actor_id=event.actor_id,
        payment_id=event.payment_id,
        amount_minor=event.amount.minor,
    )
    kept = order.captured_minor - order.refunded_minor
    if order.status in {Order.Status.PENDING, Order.Status.EXPIRED}:
        if order.hidden_at is not None:
            _give_back(order, "order removed")
        elif kept >= order.total_minor:
            _become_paid(order, event.actor_id)
        elif order.status == Order.Status.EXPIRED:
            _give_back(order, "too late")
        elif order.expires_at is None and not order.is_authorized:
            _hold_a_while(order)
    elif order.status == Order.Status.CANCELLED:
        _give_back(order, "order cancelled")
    surplus = order.captured_minor - order.refunded_minor - order.total_minor
    if order.status not in {Order.Status.EXPIRED, Order.Status.CANCELLED} and surplus > 0:
        payments.request_refund(
            payment_id=event.payment_id,
            amount=Money(surplus, order.currency),
            reason="overpaid",
            actor_id=None,
        )
        take_balance(order)
        history.record(order=order, kind="overpaid", amount_minor=surplus)


def on_payment_authorized(event: PaymentAuthorized) -> None:
    """Keep the stock as long as the authorisation stands."""
    order = lock_order(number=event.reference)
    order.is_authorized = True
    if order.status == Order.Status.PENDING:
        order.expires_at = None
        inventory.extend_hold(reference=order.number, expires_at=None)
    order.save(update_fields=["is_authorized", "expires_at"])
    history.record(
        order=order,
        kind="payment_authorized",
        payment_id=event.payment_id,
        amount_minor=event.amount.minor,
    )
    if order.status in {Order.Status.EXPIRED, Order.Status.CANCELLED}:
        payments.cancel_open_payments(reference=order.number)


def on_payment_canceled(event: PaymentCanceled) -> None:
    """An authorisation that is gone lets the hold run out."""
    order = lock_order(number=event.reference)
    if order.is_authorized:
        order.is_authorized = False
        if order.status == Order.Status.PENDING and order.expires_at is None:
            order.expires_at = timezone.now()
            inventory.extend_hold(reference=order.number, expires_at=order.expires_at)
        order.save(update_fields=["is_authorized", "expires_at"])
    history.record(order=order, kind="payment_canceled", payment_id=event.payment_id)


def on_payment_failed(event: PaymentFailed) -> None:
    """Write it down: the order stays as it is, the customer may try again."""
    order = lock_order(number=event.reference)
    history.record(order=order, kind="payment_failed", payment_id=event.payment_id, code=event.code)


def on_payment_refunded(event: PaymentRefunded) -> None:
    """Count what went back."""
    order = lock_order(number=event.reference)
    take_balance(order)
    history.record(
        order=order,
        kind="payment_refunded",
        actor_id=event.actor_id,
        payment_id=event.payment_id,
        amount_minor=event.amount.minor,
    )
    events.publish(OrderRefunded(order.pk, event.amount))


def on_payment_refund_failed(event: PaymentRefundFailed) -> None:
    """Count what is kept again: the money did not go back."""
    order = lock_order(number=event.reference)
    take_balance(order)
    history.record(
        order=order,
        kind="payment_refund_failed",
        payment_id=event.payment_id,
        amount_minor=event.amount.minor,
        code=event.code,
    )


def _become_paid(order: Order, actor_id: int | None) -> None:
    """Move to paid; an expired order first takes its stock again, or the money goes back."""
    if order.status == Order.Status.EXPIRED:
        lines = order.lines.filter(is_tracked=True)
        try:
            with transaction.atomic():
                if order.coupon_code:
                    cart.retake_coupon(reference=order.number)
                inventory.reserve(
                    quantities=dict(lines.values_list("stock_item_id", "quantity")),
                    reference=order.number,
                    expires_at=None,
                )
        except InsufficientStock as shortage:
            if is_held_by_overdue_orders(item_ids=shortage.item_ids):
                raise  # this transaction is made again when they have been let go (answers.py)
            _give_back(order, "sold out meanwhile")
            return
    else:
        inventory.extend_hold(reference=order.number, expires_at=None)
    order.transition_to(Order.Status.PAID)
    order.expires_at = None
    statements.save(order, "status", "expires_at")
    history.record(order=order, kind="paid", actor_id=actor_id)
    events.publish(OrderPaid(order.pk))


def _hold_a_while(order: Order) -> None:
    """Let the hold run out again: of what was authorised only a part was captured."""
    order.expires_at = timezone.now() + timedelta(minutes=settings.ORDER_HOLD_MINUTES)
    order.save(update_fields=["expires_at"])
    inventory.extend_hold(reference=order.number, expires_at=order.expires_at)


def _give_back(order: Order, reason: str) -> None:
    amount = payments.refund_everything(reference=order.number, reason=reason, actor_id=None)
    take_balance(order)
    history.record(order=order, kind="refund_started", amount_minor=amount.minor, reason=reason)
