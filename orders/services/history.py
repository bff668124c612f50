"""An order's history: what happened, when, and by whom."""

from typing import Any

from orders.models import Order, OrderEvent
from shop_backend.kernel import statements, transactions


@transactions.requires_transaction
def record(*, order: Order, kind: str, actor_id: int | None = None, **data: Any) -> None:
    """Append one line to the history; the order's present status goes with it.

    :param data: plain values, never names or addresses: this table is never anonymised.
    """
    statements.insert(
        OrderEvent(order=order, kind=kind, status=order.status, data=data, actor_id=actor_id)
    )
