"""From a cart, or a list of items, to an order: one short transaction, stock last."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.errors import InvalidToken
from accounts.models import User
from accounts.selectors import lock_turns
from cart import discounts, pricing
from cart import selectors as cart_selectors
from cart import services as cart_services
from cart.discounts import Discount
from cart.errors import CouponUsedUp
from cart.goods import Goods, get_offers
from cart.models import Coupon, CouponUse
from cart.pricing import Quantities, Totals
from cart.reading import OpenCart
from catalog import selectors as catalog
from catalog.selectors import VariantReference
from inventory import services as inventory
from inventory.errors import InsufficientStock
from orders.errors import (
    AddressRequired,
    CartEmpty,
    NotForSale,
    TooManyUnpaidOrders,
    TotalChanged,
    TotalTooLarge,
)
from orders.events import OrderPaid, OrderPlaced
from orders.models import Order, OrderLine
from orders.services import history
from orders.services.ending import expire_overdue_orders
from shop_backend.kernel import events, statements, transactions
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import MAX_MINOR, Money


@dataclass(frozen=True)
class Item:
    """So many units of something, as the buyer named it."""

    reference: VariantReference
    quantity: int


@dataclass(frozen=True)
class Delivery:
    """Where and how, as far as the buyer said it."""

    address_id: int | None = None
    shipping_address: Mapping[str, Any] | None = None
    shipping_method_id: int | None = None


@transactions.use_case
def place_order(
    *,
    customer: User,
    items: Sequence[Item] | None = None,
    delivery: Delivery | None = None,
    coupon: str = "",
    note: str = "",
    expected_total: Money | None = None,
) -> Order:
    """Turn the items, or without them the customer's cart, into an order that holds its stock.

    Prices are read here, from the catalogue; the stock is taken last, after whatever else the
    transaction does, because whoever wants the same units waits from there to the commit.

    :param coupon: a code; without it the cart's own coupon counts.
    :param expected_total: what the buyer was shown; compared, never used.
    :raises InvalidToken: the customer's account has ended meanwhile.
    :raises TooManyUnpaidOrders: the customer has as many as the shop allows.
    :raises CartEmpty: there is nothing to order.
    :raises VariantNotFound: something among the items is not for sale.
    :raises NotForSale: something in the cart is not for sale any more.
    :raises AddressRequired: something must be shipped and no address is known.
    :raises ShippingMethodUnavailable, NotDeliverable: it cannot be sent there.
    :raises InvalidCoupon, CouponExpired, CouponUsedUp: the coupon is none, or none any more.
    :raises CouponNotApplicable, CouponMinSubtotal: the basket is not what it is for.
    :raises TotalChanged: the total is not the expected one.
    :raises InsufficientStock: a line asks for more than is available; nothing is held.
    """
    _refuse_too_many_unpaid(customer)
    delivery = delivery or Delivery()
    cart = cart_services.lock_cart_for_order(user=customer) if items is None else None
    quantities = _from_items(items) if items is not None else _from_cart(cart)
    destination = _get_destination(customer, cart, delivery)
    chosen = cart.shipping_method_id if cart else None
    charges = pricing.read_charges(
        quantities=quantities, destination=destination, with_options=True
    )
    for goods, _ in quantities:
        goods.options = charges.options.get(goods.variant_id, {})
    totals = pricing.get_totals(
        quantities=quantities,
        destination=destination,
        shipping_method_id=delivery.shipping_method_id or chosen,
        discount=_get_discount(customer, cart, coupon, quantities),
        charges=charges,
    )
    _check(totals, destination, expected_total)
    order = _write_order(customer, cart, totals, destination, note)
    if totals.coupon is not None:
        cart_services.use_coupon(coupon=totals.coupon, customer=customer, reference=order.number)
    if cart is not None:
        cart_services.close_cart(cart_id=cart.pk, user_id=customer.pk)
    transactions.do_last(
        inventory.reserve,
        quantities={goods.stock_item_id: quantity for goods, quantity in quantities},
        reference=order.number,
        expires_at=order.expires_at,
    )
    return order


def _refuse_too_many_unpaid(customer: User) -> None:
    """Count after locking the account, so that each of many at once sees those before it."""
    if not settings.RATE_LIMITS:
        return
    limit = settings.MAX_UNPAID_ORDERS
    lock_turns(user_id=customer.pk)
    if Order.objects.unpaid_of(customer)[:limit].count() >= limit:
        raise TooManyUnpaidOrders(limit=limit)


def release_expired_holds(refusal: ShopError) -> bool:
    """Free what overdue orders still hold of the items, or the coupon, that ran short.

    :return: whether something was freed, so that placing deserves one more try.
    """
    if isinstance(refusal, InsufficientStock):
        return expire_overdue_orders(now=timezone.now(), item_ids=refusal.item_ids, limit=100) > 0
    if isinstance(refusal, CouponUsedUp):
        uses = CouponUse.objects.open().filter(coupon__code=refusal.params["coupon"])
        numbers = uses.values_list("reference", flat=True)
        return expire_overdue_orders(now=timezone.now(), numbers=numbers, limit=100) > 0
    return False


def _from_cart(cart: OpenCart | None) -> Quantities:
    """Return what lies in the cart, in its order."""
    if cart is None or not cart.lines:
        raise CartEmpty
    gone = [line for line in cart.lines if not line.is_for_sale]
    if gone:
        raise NotForSale(
            sku=gone[0].goods.sku, item_id=gone[0].pk, item_ids=[line.pk for line in gone]
        )
    return [(line.goods, line.quantity) for line in cart.lines]


def _from_items(items: Sequence[Item]) -> Quantities:
    """Return the items, what was named twice together."""
    offers = get_offers([item.reference for item in items], now=timezone.now())
    units: Counter[int] = Counter()
    goods: dict[int, Goods] = {}
    for offer, item in zip(offers, items, strict=True):
        units[offer.goods.variant_id] += item.quantity
        goods[offer.goods.variant_id] = offer.goods
    return [(goods[pk], quantity) for pk, quantity in units.items()]


def _get_discount(
    customer: User, cart: OpenCart | None, code: str, quantities: Quantities
) -> Discount | None:
    coupon = None
    if code.strip():
        coupon = discounts.get_coupon(code)
    elif cart is not None and cart.coupon_id is not None:
        coupon = Coupon.objects.get(pk=cart.coupon_id)
    if coupon is None:
        return None
    return discounts.get_discount(
        coupon=coupon,
        lines=pricing.price_lines(quantities),
        customer_id=customer.pk,
        now=timezone.now(),
    )


def _get_destination(
    customer: User, cart: OpenCart | None, delivery: Delivery
) -> Mapping[str, Any] | None:
    if delivery.shipping_address is not None:
        return delivery.shipping_address
    if delivery.address_id is not None:
        return cart_selectors.get_address(user=customer, address_id=delivery.address_id)
    if cart is not None:
        return cart.destination
    return cart_selectors.get_default_destination(user=customer)


def _check(
    totals: Totals, destination: Mapping[str, Any] | None, expected_total: Money | None
) -> None:
    if totals.needs_shipping and destination is None:
        raise AddressRequired
    if max(totals.subtotal, totals.total).minor > MAX_MINOR:  # a coupon may hide the one
        raise TotalTooLarge
    if expected_total is not None and expected_total != totals.total:
        raise TotalChanged(
            total=totals.total.decimal_string, expected=expected_total.decimal_string
        )


def _write_order(
    customer: User,
    cart: OpenCart | None,
    totals: Totals,
    destination: Mapping[str, Any] | None,
    note: str,
) -> Order:
    now = timezone.now()
    is_free = not totals.total
    order = Order(
        customer=customer,
        cart_id=cart.pk if cart else None,
        status=Order.Status.PAID if is_free else Order.Status.PENDING,
        currency=totals.subtotal.currency,
        subtotal_minor=totals.subtotal.minor,
        discount_minor=totals.discount.minor,
        shipping_minor=totals.shipping.minor,
        tax_minor=totals.tax.minor,
        is_tax_included=totals.is_tax_included,
        shipping_tax_minor=totals.shipping_tax.minor,
        shipping_tax_rate_ppm=totals.shipping_rate.rate_ppm,
        shipping_tax_name=totals.shipping_rate.name,
        coupon_code=totals.coupon.code if totals.coupon else "",
        total_minor=totals.total.minor,
        shipping_method_name=totals.shipping_method.name if totals.shipping_method else "",
        email=customer.email or "",
        note=note,
        placed_at=now,
        expires_at=None if is_free else now + timedelta(minutes=settings.ORDER_HOLD_MINUTES),
        **(destination if destination and totals.needs_shipping else {}),
    )
    if not statements.insert_for_caller(order, caller_id=customer.pk):
        raise InvalidToken
    images = catalog.get_image_urls(line.goods.product_id for line in totals.lines)
    order.remember_lines(statements.insert_all(_line(order, line, images) for line in totals.lines))
    history.record(order=order, kind="placed", actor_id=customer.pk, total_minor=order.total_minor)
    events.publish(OrderPlaced(order.pk))
    if is_free:
        events.publish(OrderPaid(order.pk))
    return order


def _line(order: Order, line: pricing.PricedLine, images: Mapping[int, str]) -> OrderLine:
    goods = line.goods
    return OrderLine(
        order=order,
        variant_id=goods.variant_id,
        stock_item_id=goods.stock_item_id,
        is_tracked=goods.is_tracked,
        sku=goods.sku,
        name=goods.name,
        options=goods.options,
        image_url=images.get(goods.product_id, ""),
        quantity=line.quantity,
        unit_price_minor=goods.price_minor,
        discount_minor=line.discount.minor,
        tax_minor=line.tax.minor,
        tax_rate_ppm=line.rate.rate_ppm,
        tax_name=line.rate.name,
        line_total_minor=line.line_total.minor,
        weight_grams=goods.weight_grams,
    )
