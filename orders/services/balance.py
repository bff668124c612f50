"""The order's copy of what its payments hold."""

from typing import Any

from orders.models import Order
from orders.services import history
from orders.services._lock import lock_order_and_payments
from payments import selectors as payments
from shop_backend.kernel import statements, transactions

_COUNTERS = ["captured_minor", "refunded_minor", "is_authorized"]


@transactions.requires_transaction
def take_balance(order: Order) -> None:
    """Copy what was captured, refunded and authorised from the payments; they are the truth."""
    balance = payments.get_balance(reference=order.number)
    order.captured_minor = balance.captured.minor
    order.refunded_minor = balance.refunded.minor
    order.is_authorized = bool(balance.authorized)
    statements.save(order, *_COUNTERS)


@transactions.use_case
def recount_money(*, order_id: int) -> dict[str, tuple[int, int]]:
    """Take the order's balance again if its copy is wrong; its history says so.

    :return: what each counter that changed was and is; nothing if all were right.
    """
    number = Order.objects.values_list("number", flat=True).get(pk=order_id)
    order = lock_order_and_payments(number=number)
    before = {name: getattr(order, name) for name in _COUNTERS}
    take_balance(order)
    changed = {
        name: (was, getattr(order, name))
        for name, was in before.items()
        if was != getattr(order, name)
    }
    if changed:
        told: dict[str, Any] = {name: list(pair) for name, pair in changed.items()}
        history.record(order=order, kind="balance_recounted", **told)
    return changed
