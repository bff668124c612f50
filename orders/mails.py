"""The sender of the mails about orders: everything is read at delivery, from ids."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from orders import taxes
from orders.mailbox import MailPurpose
from orders.models import Order
from shipping.models import Shipment
from shop_backend.kernel import letters
from shop_backend.kernel.money import Money
from shop_backend.kernel.transactions import forbids_transaction

_SUBJECTS = {
    MailPurpose.PLACED: "Your order {number} at {shop}",
    MailPurpose.PAID: "Your order {number} at {shop} is paid",
    MailPurpose.SHIPPED: "Your order {number} from {shop} is on its way",
    MailPurpose.REFUNDED: "A refund for your order {number} at {shop}",
    MailPurpose.CANCELLED: "Your order {number} at {shop} was cancelled",
    MailPurpose.EXPIRED: "Your order {number} at {shop} was not paid in time",
}


@forbids_transaction
def deliver(payload: Mapping[str, Any]) -> None:
    """Write and send the mail that an outbox row asks for, if the order still has a reader."""
    purpose = MailPurpose(payload["purpose"])
    orders = Order.objects.not_hidden().exclude(email="").with_lines()
    order = orders.filter(pk=payload["order_id"]).first()
    if order is None:
        return
    details = _DETAILS[purpose](order, payload)
    if details is None:
        return
    letters.send(
        to=order.email,
        subject=_SUBJECTS[purpose].format(number=order.number, shop=settings.SHOP_NAME),
        template=f"orders/mails/{purpose.value}",
        context={
            "order": order,
            "amounts": _amounts(order),
            "order_link": letters.frontend_link(settings.ORDER_PAGE.format(number=order.number)),
            **details,
        },
    )


def _amounts(order: Order) -> list[tuple[str, Money]]:
    rows = [
        ("Subtotal", order.subtotal_minor),
        ("Discount", -order.discount_minor),
        ("Shipping", order.shipping_minor),
    ]
    tax_lines = taxes.get_tax_lines(order)
    if not order.is_tax_included:
        rows += [(line.label, line.amount.minor) for line in tax_lines]
    rows.append(("Total", order.total_minor))
    if order.is_tax_included:
        rows += [(f"Including {line.label}", line.amount.minor) for line in tax_lines]
    always = {"Subtotal", "Total"}
    return [(name, Money(minor, order.currency)) for name, minor in rows if minor or name in always]


def _no_more(order: Order, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    return {}


def _shipped(order: Order, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    shipments = Shipment.objects.with_details().filter(reference=order.number)
    shipment = shipments.filter(pk=payload["shipment_id"]).first()
    if shipment is None:
        return None
    path = settings.TRACKING_PAGE.format(tracking_number=shipment.tracking_number)
    return {"shipment": shipment, "tracking_link": letters.frontend_link(path)}


def _refunded(order: Order, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"refund": Money(payload["amount_minor"], order.currency)}


_DETAILS: Mapping[MailPurpose, Callable[[Order, Mapping[str, Any]], dict[str, Any] | None]] = {
    MailPurpose.PLACED: _no_more,
    MailPurpose.PAID: _no_more,
    MailPurpose.SHIPPED: _shipped,
    MailPurpose.REFUNDED: _refunded,
    MailPurpose.CANCELLED: _no_more,
    MailPurpose.EXPIRED: _no_more,
}
