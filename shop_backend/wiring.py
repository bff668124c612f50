"""Who listens to whom, who answers whom, who delivers what: the only table of it.

Down is a call. Up is news (an event) or a question (a port), and both are listed here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from accounts import mails as accounts_mails
from accounts import ports as accounts_ports
from cart.answers import CartBaskets, CartRecords
from catalog import ports as catalog_ports
from catalog.answers import ReviewRecords
from inventory import mails as inventory_mails
from inventory.events import StockLow
from orders import mailbox as orders_mailbox
from orders import mails as orders_mails
from orders import services as orders
from orders.answers import OrderDeliveries, OrderPayments, OrderRecords
from orders.events import (
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
)
from orders.services import OrderFulfilment
from payments import ports as payments_ports
from payments import services as payments
from payments.answers import PaymentRecords
from payments.events import (
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
)
from shipping import ports as shipping_ports
from shipping.answers import AddressRecords
from shipping.events import (
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentPacked,
    ShipmentShipped,
)
from shop_backend.audited import AROUND
from shop_backend.kernel import audit, events, outbox

# News: the event's class and who hears it, in this order, in the publisher's transaction.
SUBSCRIBERS: Mapping[type, Sequence[Callable[[Any], None]]] = {
    PaymentAuthorized: [orders.on_payment_authorized],
    PaymentCaptured: [orders.on_payment_captured],
    PaymentFailed: [orders.on_payment_failed],
    PaymentCanceled: [orders.on_payment_canceled],
    PaymentRefunded: [orders.on_payment_refunded],
    PaymentRefundFailed: [orders.on_payment_refund_failed],
    ShipmentShipped: [orders.on_shipment_shipped],
    ShipmentDelivered: [orders.on_shipment_delivered],
    StockLow: [inventory_mails.on_stock_low],
    OrderPlaced: [orders_mailbox.on_order_placed],
    OrderPaid: [orders_mailbox.on_order_paid],
    OrderShipped: [orders_mailbox.on_order_shipped],
    OrderRefunded: [orders_mailbox.on_order_refunded],
    OrderCancelled: [orders_mailbox.on_order_cancelled],
    OrderExpired: [orders_mailbox.on_order_expired],
}
# What is recorded for good, and as what; the part before the dot names the subject.
RECORDED: Mapping[type, str] = {
    OrderPlaced: "order.placed",
    OrderPaid: "order.paid",
    OrderShipped: "order.shipped",
    OrderDelivered: "order.delivered",
    OrderCancelled: "order.cancelled",
    OrderExpired: "order.expired",
    OrderRefunded: "order.refunded",
    PaymentAuthorized: "payment.authorized",
    PaymentCaptured: "payment.captured",
    PaymentFailed: "payment.failed",
    PaymentCanceled: "payment.canceled",
    PaymentRefunded: "payment.refunded",
    PaymentRefundFailed: "payment.refund_failed",
    ShipmentPacked: "shipment.packed",
    ShipmentShipped: "shipment.shipped",
    ShipmentDelivered: "shipment.delivered",
    ShipmentCancelled: "shipment.cancelled",
}
# What leaves the process: the outbox message's kind and who delivers it.
DELIVERIES: Mapping[str, outbox.Handler] = {
    "accounts.send_mail": accounts_mails.deliver,
    "orders.send_mail": orders_mails.deliver,
    "inventory.send_low_stock_mail": inventory_mails.deliver,
    "payments.send_refund": payments.send_refund,
    "payments.cancel_at_provider": payments.cancel_at_provider,
    "payments.sandbox_webhook": payments.deliver_sandbox_webhook,
}


def connect() -> None:
    """Wire the house; called once, when all apps are loaded."""
    events.subscribe(SUBSCRIBERS)
    events.record(RECORDED)
    outbox.register(DELIVERIES)
    audit.around.bind(AROUND)
    # Questions: the port and who answers it.
    payments_ports.payable_orders.bind(OrderPayments())
    shipping_ports.fulfilment.bind(OrderFulfilment())
    shipping_ports.baskets.bind(CartBaskets())
    catalog_ports.deliveries.bind(OrderDeliveries())
    accounts_ports.personal_data.bind(
        [AddressRecords(), CartRecords(), OrderRecords(), PaymentRecords(), ReviewRecords()]
    )
