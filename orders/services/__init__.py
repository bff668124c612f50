"""Every write of orders: placing, settling, fulfilling, ending."""

from orders.services._lock import lock_order_and_payments
from orders.services.balance import recount_money
from orders.services.ending import (
    cancel_order,
    cancel_order_as_staff,
    delete_order_as_staff,
    delete_unpaid_order,
    expire_overdue_orders,
)
from orders.services.foreseeing import refuse_what_is_sold_out
from orders.services.fulfilment import (
    OrderFulfilment,
    on_shipment_delivered,
    on_shipment_shipped,
)
from orders.services.noting import add_note
from orders.services.placing import Delivery, Item, place_order, release_expired_holds
from orders.services.returning import (
    Receipt,
    ReturnItem,
    ReturnStep,
    ask_for_return,
    move_return,
    open_return_as_staff,
)
from orders.services.settling import (
    on_payment_authorized,
    on_payment_canceled,
    on_payment_captured,
    on_payment_failed,
    on_payment_refund_failed,
    on_payment_refunded,
)
from orders.services.status import set_status

__all__ = [
    "Delivery",
    "Item",
    "OrderFulfilment",
    "Receipt",
    "ReturnItem",
    "ReturnStep",
    "add_note",
    "ask_for_return",
    "cancel_order",
    "cancel_order_as_staff",
    "delete_order_as_staff",
    "delete_unpaid_order",
    "expire_overdue_orders",
    "lock_order_and_payments",
    "move_return",
    "on_payment_authorized",
    "on_payment_canceled",
    "on_payment_captured",
    "on_payment_failed",
    "on_payment_refund_failed",
    "on_payment_refunded",
    "on_shipment_delivered",
    "on_shipment_shipped",
    "open_return_as_staff",
    "place_order",
    "recount_money",
    "refuse_what_is_sold_out",
    "release_expired_holds",
    "set_status",
]
