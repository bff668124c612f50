"""News of orders, published in the transaction of what they report; the mails hear them."""

from dataclasses import dataclass

from shop_backend.kernel.money import Money


@dataclass(frozen=True)
class OrderPlaced:
    """An order came in and holds its stock."""

    order_id: int


@dataclass(frozen=True)
class OrderPaid:
    """An order has its total."""

    order_id: int


@dataclass(frozen=True)
class OrderShipped:
    """A parcel of an order has left; perhaps not the last one."""

    order_id: int
    shipment_id: int


@dataclass(frozen=True)
class OrderDelivered:
    """The last parcel of an order has arrived."""

    order_id: int


@dataclass(frozen=True)
class OrderCancelled:
    """An order was called off."""

    order_id: int


@dataclass(frozen=True)
class OrderExpired:
    """An order was not paid in time."""

    order_id: int


@dataclass(frozen=True)
class OrderRefunded:
    """Money has gone back."""

    order_id: int
    amount: Money
