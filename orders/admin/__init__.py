"""Orders, their lines, history and notes, and what comes back, in the admin site."""

from orders.admin.history import OrderEventAdmin
from orders.admin.lines import OrderLineAdmin
from orders.admin.purchases import OrderAdmin
from orders.admin.returns import OrderNoteAdmin, ReturnAdmin

__all__ = [
    "OrderAdmin",
    "OrderEventAdmin",
    "OrderLineAdmin",
    "OrderNoteAdmin",
    "ReturnAdmin",
]
