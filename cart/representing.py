"""The cart as it is answered: what ``CartSerializer`` says, without its fields' machinery.

The serializer stays the contract: Swagger is made from it, and a test holds the two together.
"""

from collections.abc import Mapping
from typing import Any

from cart.percent import format_percent
from cart.selectors import CartSummary, LineSummary
from shipping.models import AddressFields

_ADDRESS_FIELDS = tuple(field.name for field in AddressFields._meta.get_fields())


def represent(summary: CartSummary) -> dict[str, Any]:
    """Return the cart with what it would cost now, as plain values."""
    totals, coupon = summary.totals, summary.coupon
    method = totals.shipping_method
    return {
        "items": [_line(line) for line in summary.lines],
        "currency": totals.subtotal.currency,
        "subtotal": totals.subtotal.decimal_string,
        "discount": totals.discount.decimal_string,
        "shipping": totals.shipping.decimal_string,
        "tax": totals.tax.decimal_string,
        "is_tax_included": totals.is_tax_included,
        "total": totals.total.decimal_string,
        "shipping_method": method and {"id": method.pk, "code": method.code, "name": method.name},
        "shipping_address": represent_address(summary.destination),
        "coupon": coupon
        and {"code": coupon.code, "kind": coupon.kind, "is_applied": coupon.is_applied},
        "problems": [
            {"code": problem.code, "message": problem.message, "item_id": problem.line_id}
            for problem in summary.problems
        ],
    }


def represent_address(address: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a postal address as it is answered."""
    if address is None:
        return None
    return {name: address[name] for name in _ADDRESS_FIELDS if name in address}


def _line(summary: LineSummary) -> dict[str, Any]:
    line, priced, goods = summary.line, summary.priced, summary.goods
    return {
        "id": line.pk,
        "product_id": goods.product_id,
        "product_slug": goods.slug,
        "variant_id": goods.variant_id,
        "sku": goods.sku,
        "name": goods.name,
        "options": goods.options,
        "price": goods.price.decimal_string,
        "quantity": line.quantity,
        "line_total": priced.line_total.decimal_string,
        "discount": priced.discount.decimal_string,
        "tax": priced.tax.decimal_string,
        "tax_rate": format_percent(priced.rate.rate_ppm, decimals=4),
        "tax_name": priced.rate.name,
    }
