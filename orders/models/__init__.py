"""What was bought: snapshots that no later change of the catalogue can touch."""

from orders.models.history import OrderEvent, OrderEventQuerySet, OrderNote, OrderNoteQuerySet
from orders.models.lines import OrderLine
from orders.models.numbers import new_order_number
from orders.models.purchases import Order, OrderQuerySet
from orders.models.returns import Return, ReturnLine, ReturnQuerySet

__all__ = [
    "Order",
    "OrderEvent",
    "OrderEventQuerySet",
    "OrderLine",
    "OrderNote",
    "OrderNoteQuerySet",
    "OrderQuerySet",
    "Return",
    "ReturnLine",
    "ReturnQuerySet",
    "new_order_number",
]
