"""The order's copy of what its payments hold."""

from orders.models import Order
from payments import selectors as payments
from shop_backend.kernel import transactions


@transactions.requires_transaction
def take_balance(order: Order) -> None:
    """Copy what was captured, refunded and authorised from the payments; they are the truth."""
    balance = payments.get_balance(reference=order.number)
    order.captured_minor = balance.captured.minor
    order.refunded_minor = balance.refunded.minor
    order.is_authorized = bool(balance.authorized)
    order.save(update_fields=["captured_minor", "refunded_minor", "is_authorized"])
