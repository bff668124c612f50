"""An order as it is answered: what ``OrderSerializer`` says, without its fields' machinery.

The serializers stay the contract: Swagger is made from them, and a test holds the two together.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from cart.percent import format_percent
from orders.models import Order, OrderLine
from orders.models.purchases import fulfilment_status_of
from orders.selectors import get_allowed_actions
from orders.serializers import NoteSerializer, ReturnSerializer
from payments.representing import represent as represent_payment
from shipping.models import AddressFields
from shipping.serializers import ShipmentSerializer
from shop_backend.kernel.moments import moment
from shop_backend.kernel.money import Money

_ADDRESS_FIELDS = tuple(field.name for field in AddressFields._meta.get_fields())


def represent_summary(order: Any, lines: Sequence[Any]) -> dict[str, Any]:
    """Return an order as a list shows it; order and lines are models or rows of their columns."""
    currency = order.currency
    return {
        "id": order.id,
        "number": order.number,
        "user_id": order.customer_id,
        "status": str(order.status),
        "payment_status": order.payment_status,
        "fulfilment_status": fulfilment_status_of(order.status, lines),
        "currency": currency,
        "subtotal": Money(order.subtotal_minor, currency).decimal_string,
        "discount": Money(order.discount_minor, currency).decimal_string,
        "shipping": Money(order.shipping_minor, currency).decimal_string,
        "tax": Money(order.tax_minor, currency).decimal_string,
        "is_tax_included": order.is_tax_included,
        "total": Money(order.total_minor, currency).decimal_string,
        "coupon": order.coupon_code,
        "lines": [_line(line) for line in lines],
        "placed_at": moment(order.placed_at),
        "expires_at": moment(order.expires_at),
    }


def represent(order: Order, lines: Sequence[OrderLine], context: dict[str, Any]) -> dict[str, Any]:
    """Return an order with all that belongs to it.

    :param context: what ``OrderSerializer`` wants to know: the request, and the surroundings.
    """
    user = context["request"].user
    address = {name: getattr(order, name) for name in _ADDRESS_FIELDS} if order.country else None
    payments = context["payments"].get(order.number, [])
    shipments = context["shipments"].get(order.number, [])
    returns, notes = context["returns"], context["notes"]
    return {
        **represent_summary(order, lines),
        "shipping_method_name": order.shipping_method_name,
        "email": order.email,
        "note": order.note,
        "shipping_address": address,
        "allowed_actions": get_allowed_actions(order=order, user=user),
        "payments": [
            represent_payment(payment, payment.refunds.all(), viewer_id=user.pk)
            for payment in payments
        ],
        # Rare, and not asked for until something has left the house.
        "shipments": shipments and ShipmentSerializer(shipments, many=True, context=context).data,
        "returns": returns and ReturnSerializer(returns, many=True, context=context).data,
        "notes": notes and NoteSerializer(notes, many=True).data,
    }


def _shown(minor: int) -> str:
    # A line has no currency of its own: it is the shop's.
    return Money(minor, settings.SHOP_CURRENCY).decimal_string


def _line(line: Any) -> dict[str, Any]:
    return {
        "id": line.id,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "image_url": line.image_url,
        "quantity": line.quantity,
        "unit_price": _shown(line.unit_price_minor),
        "discount": _shown(line.discount_minor),
        "tax": _shown(line.tax_minor),
        "tax_rate": format_percent(line.tax_rate_ppm, decimals=4),
        "tax_name": line.tax_name,
        "line_total": _shown(line.line_total_minor),
        "shipped_quantity": line.shipped_quantity,
        "returned_quantity": line.returned_quantity,
        "returnable_quantity": line.shipped_quantity
        - line.returned_quantity
        - line.returning_quantity,
    }
