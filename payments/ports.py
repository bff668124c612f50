"""What payments has to ask upward: it knows a reference, never an order."""

from typing import Protocol

from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money
from shop_backend.kernel.ports import Port


class PayableOrders(Protocol):
    """Those who know what a reference stands for."""

    def resolve_reference(self, *, order_id: str, customer_id: int | None) -> str:
        """Return the reference of what a client calls by its id or its public number.

        :param customer_id: whose it must be; ``None`` for staff.
        :raises Missing: there is none, or it is not that customer's.
        """
        ...

    def get_amount_due(self, *, reference: str, customer_id: int | None) -> Money:
        """Lock it, and return what is still to be paid; more than nothing.

        :param customer_id: whose it must be; ``None`` for staff.
        :raises Missing: there is none, or it is not that customer's.
        :raises Conflict: nothing is due.
        """
        ...

    def make_room(self, refusal: ShopError) -> bool:
        """Do what may let money be applied that a listener has just refused.

        Called outside any transaction.

        :return: whether it is worth one more try.
        """
        ...

    def get_customer_id(self, *, reference: str) -> int:
        """Return who buys."""
        ...


payable_orders: Port[PayableOrders] = Port("payable_orders")
