"""What a write by staff may change besides its own row: the audit log looks there, too.

A part is made with the row that it belongs to; the others were there. That nothing is missing is
tested by what the tables hold before and after each write of the API. Histories that only grow
(the ledgers, events, prices) are not asked for: they say themselves who changed what.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Model, QuerySet

from cart.models import Coupon, CouponTally, CouponUse
from catalog.models import (
    Option,
    OptionValue,
    Product,
    ProductAttributeValue,
    ProductImage,
    Review,
    TaxClass,
    Variant,
)
from inventory.models import StockItem, StockLevel
from orders.models import Order, OrderLine, Return, ReturnLine
from payments.models import Payment, PaymentReview, Refund
from shipping.models import (
    Shipment,
    ShipmentLine,
    ShippingMethod,
    ShippingRate,
    Zone,
    ZoneArea,
)
from shop_backend.kernel.audit import Around

Rows = Sequence[QuerySet[Any]]


def _keys(rows: Iterable[Any]) -> list[Any]:
    return [row.pk for row in rows if not row._state.adding]


def _of_products(ids: Iterable[int]) -> Rows:
    products = list(ids)
    variants = Variant.objects.filter(product__in=products)
    items = variants.order_by().values("stock_item")
    return (
        variants,
        StockItem.objects.filter(pk__in=items),
        StockLevel.objects.filter(item__in=items),
        Option.objects.filter(product__in=products),
        OptionValue.objects.filter(option__product__in=products),
        ProductAttributeValue.objects.filter(product__in=products),
        ProductImage.objects.filter(product__in=products),
    )


def _around_variants(rows: Sequence[Variant]) -> Rows:
    products = {row.product_id for row in rows if row.product_id is not None}
    return (Product.objects.filter(pk__in=products), *_of_products(products))


def _of_orders(rows: Iterable[Order]) -> Rows:
    ids = _keys(rows)
    return (
        OrderLine.objects.filter(order__in=ids),
        Return.objects.filter(order__in=ids),
        ReturnLine.objects.filter(returned_in__order__in=ids),
    )


def _beside(numbers: Iterable[str]) -> Rows:
    """Return what is paid, sent, held and spent for these orders."""
    references = list(numbers)
    lines = OrderLine.objects.filter(order__number__in=references)
    uses = CouponUse.objects.filter(reference__in=references)
    payments = Payment.objects.filter(reference__in=references)
    return (
        payments,
        Refund.objects.filter(payment__in=payments.order_by().values("pk")),
        PaymentReview.objects.filter(payment__in=payments.order_by().values("pk")),
        Shipment.objects.filter(reference__in=references),
        ShipmentLine.objects.filter(shipment__reference__in=references),
        StockLevel.objects.filter(item__in=lines.order_by().values("stock_item_id")),
        uses,
        Coupon.objects.filter(pk__in=uses.order_by().values("coupon")),
        CouponTally.objects.filter(
            coupon__in=uses.order_by().values("coupon"),
            customer__in=uses.order_by().values("customer"),
        ),
    )


def _orders_named(numbers: Iterable[str]) -> Rows:
    """Return these orders with all that belongs to them."""
    references = list(numbers)
    orders = Order.objects.filter(number__in=references)
    return (orders, *_of_orders(orders), *_beside(references))


def _around_returns(rows: Sequence[Return]) -> Rows:
    return _orders_named({row.order.number for row in rows if row.order_id is not None})


def _around_references(rows: Sequence[Any]) -> Rows:
    """Return what is around the orders of these payments or parcels.

    One that is about to be made may name its order by the id.
    """
    names = {row.reference for row in rows}
    named = [Order.objects.named(row.reference) for row in rows if row.pk is None]
    ids = [number for orders in named for number in orders.values_list("number", flat=True)]
    return _orders_named({*names, *ids})


def _standard_classes(rows: Sequence[TaxClass]) -> Rows:
    return (TaxClass.objects.filter(is_default=True),)


AROUND: Mapping[type[Model], Around] = {
    StockItem: Around(parts=lambda rows: (StockLevel.objects.filter(item__in=_keys(rows)),)),
    Product: Around(parts=lambda rows: _of_products(_keys(rows))),
    Variant: Around(others=_around_variants),
    Review: Around(
        others=lambda rows: (Product.objects.filter(pk__in={row.product_id for row in rows}),)
    ),
    TaxClass: Around(others=_standard_classes),
    Zone: Around(parts=lambda rows: (ZoneArea.objects.filter(zone__in=_keys(rows)),)),
    ShippingMethod: Around(
        parts=lambda rows: (ShippingRate.objects.filter(method__in=_keys(rows)),)
    ),
    Order: Around(parts=_of_orders, others=lambda rows: _beside(row.number for row in rows)),
    Return: Around(others=_around_returns),
    Payment: Around(others=_around_references),
    Shipment: Around(others=_around_references),
}
