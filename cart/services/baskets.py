"""Writes to a cart."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import selectors as accounts
from accounts.models import User
from cart import discounts, pricing
from cart.errors import CartFull, CartLineNotFound
from cart.goods import Goods, get_offer_for_cart
from cart.models import Cart, CartLine
from cart.reading import OpenCart, read_open_cart
from catalog.errors import VariantRequired
from catalog.selectors import VariantReference
from inventory import selectors as inventory
from inventory.errors import InsufficientStock
from shipping import selectors as shipping
from shop_backend.kernel import callers, statements, sweeping, transactions
from shop_backend.kernel.errors import ConcurrentChange
from shop_backend.kernel.inserting import insert_if_new

_UPDATED_AT = Cart._meta.get_field("updated_at")
_TRIES = 3
_INSTEAD_OF_LINE = {
    "postgresql": "ON CONFLICT (cart_id, variant_id) DO UPDATE SET"
    " quantity = excluded.quantity, seen_price_minor = excluded.seen_price_minor",
    "mysql": "ON DUPLICATE KEY UPDATE"
    " quantity = VALUES(quantity), seen_price_minor = VALUES(seen_price_minor)",
}


@transactions.use_case
def set_line(*, user: User, reference: VariantReference, quantity: int) -> None:
    """Make the cart hold that many units: adds the line, changes it, or removes it at 0.

    :raises VariantNotFound: it is not for sale.
    :raises VariantRequired: the product has several variants.
    :raises InsufficientStock: fewer units are available.
    :raises CartFull: it would be one line too many.
    """
    cart_id = _touch_open_cart(user)
    if quantity == 0:
        _remove_named(cart_id, reference)
    else:
        _put(cart_id, reference, quantity)


@transactions.use_case
def change_quantity(*, user: User, line_id: int, quantity: int) -> None:
    """Give one line of the user's open cart another quantity; 0 removes it.

    :raises CartLineNotFound: it is not a line of this cart.
    :raises InsufficientStock: fewer units are available.
    """
    cart = _lock_open_cart(user)
    line = _get_line(cart, line_id)
    if quantity == 0:
        line.delete()
    else:
        variant = line.variant
        _check_available(variant.stock_item_id, variant.sku, quantity)
        line.quantity, line.seen_price_minor = quantity, variant.price_minor
        line.save(update_fields=["quantity", "seen_price_minor"])


@transactions.use_case
def remove_line(*, user: User, line_id: int) -> None:
    """Take one line out of the user's open cart.

    :raises CartLineNotFound: it is not a line of this cart.
    """
    cart = _lock_open_cart(user)
    _get_line(cart, line_id).delete()


@transactions.use_case
def empty(*, user: User) -> None:
    """Take every line out of the user's open cart."""
    cart = _lock_open_cart(user)
    cart.lines.all().delete()


@transactions.use_case
def choose_shipping(
    *,
    user: User,
    address_id: int | None,
    shipping_address: Mapping[str, Any] | None,
    method_id: int | None,
) -> None:
    """Say where the cart goes (an entry of the address book or a typed address) and how.

    What is left out stays as it was.

    :raises AddressNotFound: the entry is not in the user's address book.
    :raises ShippingMethodNotFound: there is no such method.
    """
    cart = _lock_open_cart(user)
    if address_id is not None:
        cart.address = shipping.get_address(user=user, address_id=address_id)
        cart.shipping_address = None
    elif shipping_address is not None:
        cart.address, cart.shipping_address = None, dict(shipping_address)
    if method_id is not None:
        cart.shipping_method = shipping.get_active_method(method_id=method_id)
    cart.save(update_fields=["address", "shipping_address", "shipping_method"])


@transactions.use_case
def apply_coupon(*, user: User, code: str) -> None:
    """Put a coupon on the user's open cart, in place of the one there was.

    :raises InvalidCoupon: there is no such coupon, or not now.
    :raises CouponExpired, CouponUsedUp: its time is over, or its uses are.
    :raises CouponNotApplicable, CouponMinSubtotal: the basket is not what it is for.
    """
    cart = _lock_open_cart(user)
    coupon = discounts.get_coupon(code)
    lines = cart.lines.with_variants().order_by("pk")
    discounts.get_discount(
        coupon=coupon,
        lines=pricing.price_lines([(Goods.of(line.variant), line.quantity) for line in lines]),
        customer_id=user.pk,
        now=timezone.now(),
    )
    cart.coupon = coupon
    cart.save(update_fields=["coupon"])


@transactions.use_case
def remove_coupon(*, user: User) -> None:
    """Take the coupon off the user's open cart, if there is one."""
    cart = _lock_open_cart(user)
    cart.coupon = None
    cart.save(update_fields=["coupon"])


@transactions.requires_transaction
def lock_cart(*, user: User) -> None:
    """Lock the user's open cart; one that is not there is made, to have something to lock."""
    _lock_open_cart(user)


@transactions.requires_transaction
def lock_cart_for_order(*, user: User) -> OpenCart | None:
    """Return the user's open cart, locked; ``None`` where there is none.

    Locked first and read then: a cart that was changed while we waited for it is read as it is
    now.

    :raises InvalidToken: the user's account has ended meanwhile.
    """
    if not statements.lock_for_caller(Cart, caller="open_for", open_for=user.pk):
        accounts.hold_caller(user_id=user.pk)
        return None
    return read_open_cart(user_id=user.pk, now=timezone.now())


@transactions.requires_transaction
def close_cart(*, cart_id: int, user_id: int) -> None:
    """Take the cart out of use: it has become an order, which has the address typed in here.

    :raises ConcurrentChange: it was taken out of use meanwhile.
    """
    closed = statements.execute(
        'UPDATE "cart_cart" SET "open_for" = NULL, "shipping_address" = NULL, "updated_at" = %s'
        ' WHERE "id" = %s AND "open_for" = %s',
        [statements.adapted(_UPDATED_AT, timezone.now()), cart_id, user_id],
    )
    if not closed:
        raise ConcurrentChange


def forget_customer(*, user_id: int) -> None:
    """Delete the carts of a person that became no order, and the addresses typed into others."""
    Cart.objects.filter(user_id=user_id, order=None).delete()
    Cart.objects.filter(user_id=user_id).update(shipping_address=None, address=None)


def delete_abandoned_carts(*, now: datetime, limit: int = 1000) -> int:
    """Delete open carts to which nothing was done for long; return how many rows that was."""
    before = now - timedelta(days=settings.CARTS_KEPT_DAYS)
    abandoned = Cart.objects.filter(open_for__isnull=False, updated_at__lte=before)
    return sweeping.delete_batch(abandoned, limit=limit)


def _lock_open_cart(user: User) -> Cart:
    """Return the user's open cart, touched and thereby locked."""
    return Cart.objects.get(pk=_touch_open_cart(user))


def _touch_open_cart(user: User) -> int:
    """Return the key of the user's open cart, touched and thereby locked.

    The lock is taken by ``open_for``: a cart that became an order while we waited for it is no
    match any more, and a new one is made.

    :raises InvalidToken: the user's account has ended meanwhile.
    """
    now = timezone.now()
    for _ in range(_TRIES):
        cart_id = _touch_if_there(user.pk, statements.adapted(_UPDATED_AT, now))
        if cart_id is not None:
            return cart_id
        cart = Cart(open_for=user.pk, user=user, created_at=now, updated_at=now)
        if insert_if_new(cart, caller_id=user.pk):
            return cart.pk
    accounts.hold_caller(user_id=user.pk)
    raise ConcurrentChange


def _touch_if_there(user_id: int, moment: Any) -> int | None:
    of_caller = f"open_for = {callers.still_there()}"
    text, parameters = f"UPDATE cart_cart SET updated_at = %s WHERE {of_caller}", [moment, user_id]  # nosec B608
    if connection.vendor == "mysql":  # it returns nothing from an UPDATE
        statements.execute(text, parameters)
        rows = statements.read(f"SELECT id FROM cart_cart WHERE {of_caller}", [user_id])  # nosec B608
    else:
        rows = statements.read(f"{text} RETURNING id", parameters)
    return rows[0][0] if rows else None


def _put(cart_id: int, reference: VariantReference, quantity: int) -> None:
    offer = get_offer_for_cart(reference, cart_id=cart_id, now=timezone.now())
    goods, sellable = offer.goods, offer.sellable
    if sellable is not None and sellable < quantity:
        raise InsufficientStock(sku=goods.sku, requested=quantity, available=sellable)
    # Nobody else adds a line meanwhile: the cart is locked, and the constraint stands behind it.
    if not offer.is_in_cart and offer.lines_in_cart >= settings.MAX_CART_LINES:
        raise CartFull(most=settings.MAX_CART_LINES)
    instead = _INSTEAD_OF_LINE.get(connection.vendor, _INSTEAD_OF_LINE["postgresql"])
    statements.execute(
        "INSERT INTO cart_cartline (cart_id, variant_id, quantity, seen_price_minor)"
        f" VALUES (%s, %s, %s, %s) {instead}",  # nosec B608
        [cart_id, goods.variant_id, quantity, goods.price_minor],
    )


def _remove_named(cart_id: int, reference: VariantReference) -> None:
    """Remove the line that is meant, also of something that is not sold any more."""
    mine = CartLine.objects.filter(cart_id=cart_id)
    if reference.variant_id is not None:
        lines = mine.filter(variant_id=reference.variant_id)
    elif reference.sku is not None:
        lines = mine.filter(variant__sku=reference.sku)
    elif isinstance(reference.product_id, int):
        lines = mine.filter(variant__product_id=reference.product_id)
    else:
        lines = mine.filter(variant__product__slug=reference.product_id)
    if lines.count() > 1:
        raise VariantRequired
    lines.delete()


def _get_line(cart: Cart, line_id: int) -> CartLine:
    try:
        return cart.lines.select_related("variant").get(pk=line_id)
    except CartLine.DoesNotExist as error:
        raise CartLineNotFound from error


def _check_available(stock_item_id: int, sku: str, quantity: int) -> None:
    available = inventory.get_availability([stock_item_id]).get(stock_item_id, 0)
    if available is not None and available < quantity:
        raise InsufficientStock(sku=sku, requested=quantity, available=available)
