"""Orders, their history and notes, and what comes back."""

from orders.views.history import NoteViewSet, OrderEventViewSet
from orders.views.purchases import OrderViewSet, UserOrderViewSet
from orders.views.returns import ReturnViewSet

__all__ = [
    "NoteViewSet",
    "OrderEventViewSet",
    "OrderViewSet",
    "ReturnViewSet",
    "UserOrderViewSet",
]
