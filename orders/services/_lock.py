"""The one lock order of the shop, in one place: payments by pk, then the order.

What comes before (idempotency key, cart) and after (coupon, stock levels by pk) is taken by
those who own it; see docs/decisions.
"""

from typing import Any

from orders.errors import OrderNotFound
from orders.models import Order
from orders.models.purchases import column_named
from payments import services as payments
from shop_backend.kernel import statements, transactions


@transactions.requires_transaction
def lock_order_and_payments(*, number: str) -> Order:
    """Return the order, with its payments and itself locked in that order.

    :raises OrderNotFound: there is no order of that number.
    """
    payments.lock_payments(reference=number)
    return lock_order(number=number)


@transactions.requires_transaction
def lock_order(*, number: str) -> Order:
    """Return the order, locked; for callers that already hold its payments, or need none.

    :raises OrderNotFound: there is no order of that number.
    """
    return _lock("number", number)


@transactions.requires_transaction
def lock_order_named(name: str) -> Order:
    """Return the order of this id or public number, locked as ``lock_order`` does.

    :raises OrderNotFound: no order is called so.
    """
    named = column_named(name)
    if named is None:
        raise OrderNotFound
    return _lock(*named)


def _lock(column: str, value: Any) -> Order:
    orders = statements.lock(Order, **{column: value})
    if not orders:
        raise OrderNotFound
    return orders[0]
