"""Reads of a cart that its view and the floors above need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from accounts.models import User
from cart import discounts, pricing
from cart.discounts import Discount
from cart.errors import COUPON_REFUSALS, NotDeliverable, ShippingMethodUnavailable
from cart.models import Cart, CartLine
from cart.pricing import PricedLine, Totals
from catalog import selectors as catalog
from inventory.models import SHOWN_TO_CUSTOMERS
from shipping import selectors as shipping
from shipping.models import AddressFields
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money

ADDRESS_FIELDS = tuple(field.name for field in AddressFields._meta.get_fields())


@dataclass(frozen=True)
class Problem:
    """Something the customer should know before placing the order."""

    code: str
    message: str
    line_id: int | None = None


@dataclass(frozen=True)
class LineSummary:
    """One line of a cart, priced."""

    line: CartLine
    options: Mapping[str, str]
    priced: PricedLine
    available: int | None


@dataclass(frozen=True)
class CouponSummary:
    """The coupon on a cart."""

    code: str
    kind: str
    is_applied: bool


@dataclass(frozen=True)
class CartSummary:
    """A cart as the customer sees it."""

    cart: Cart | None
    lines: tuple[LineSummary, ...]
    totals: Totals
    destination: Mapping[str, Any] | None
    problems: tuple[Problem, ...]

    @property
    def coupon(self) -> CouponSummary | None:
        """The coupon on the cart, whether it holds or not."""
        coupon = self.cart.coupon if self.cart else None
        if coupon is None:
            return None
        return CouponSummary(coupon.code, coupon.kind, is_applied=self.totals.coupon is not None)


def get_summary(*, user: User, now: datetime) -> CartSummary:
    """Return the user's open cart with totals and problems; an empty one where there is none."""
    cart, lines = _get_cart(user)
    destination = get_destination(user=user, cart=cart)
    discount, problems = _get_discount(cart, lines, user, now)
    totals, refusals = _get_totals(cart, lines, destination, discount, now.date())
    problems += refusals
    summaries = tuple(
        LineSummary(
            line=line,
            options=catalog.describe_options(line.variant),
            priced=priced,
            available=_get_available(line),
        )
        for line, priced in zip(lines, totals.lines, strict=True)
    )
    for summary in summaries:
        problems.extend(_problems_of(summary))
    return CartSummary(cart, summaries, totals, destination, tuple(problems))


def _get_cart(user: User) -> tuple[Cart | None, list[CartLine]]:
    """Return the open cart and its lines; they are one query, unless there are none."""
    lines = CartLine.objects.filter(cart__open_for=user.pk).with_cart().with_sellable()
    found = list(lines.with_variants().order_by("pk"))
    if found:
        return found[0].cart, found
    return Cart.objects.with_choices().filter(open_for=user.pk).first(), []


def _get_available(line: Any) -> int | None:
    return line.sellable if line.variant.stock_item.is_tracked else None


def get_destination(*, user: User, cart: Cart | None) -> Mapping[str, Any] | None:
    """Return where this cart goes: its own address, else the user's default one."""
    if cart and cart.shipping_address:
        return cart.shipping_address
    address = cart.address if cart and cart.address else shipping.get_default_address(user=user)
    if address is None:
        return None
    return {name: getattr(address, name) for name in ADDRESS_FIELDS}


def _get_discount(
    cart: Cart | None, lines: Sequence[CartLine], user: User, now: datetime
) -> tuple[Discount | None, list[Problem]]:
    """Return what the cart's coupon takes off; one that does not hold any more says why."""
    if cart is None or cart.coupon is None:
        return None, []
    try:
        discount = discounts.get_discount(
            coupon=cart.coupon,
            lines=pricing.price_lines([(line.variant, line.quantity) for line in lines]),
            customer_id=user.pk,
            now=now,
        )
    except COUPON_REFUSALS as refusal:
        return None, [_from_refusal(refusal)]
    return discount, []


def _get_totals(
    cart: Cart | None,
    lines: Sequence[CartLine],
    destination: Mapping[str, Any] | None,
    discount: Discount | None,
    today: date,
) -> tuple[Totals, list[Problem]]:
    """Return the totals; a cart that cannot be sent is priced without sending, and says so."""
    quantities = [(line.variant, line.quantity) for line in lines]
    chosen = cart.shipping_method_id if cart else None
    problems: list[Problem] = []
    attempts = [(destination, chosen), (destination, None), (None, None)]
    if chosen is None:
        attempts.remove((destination, None))
    for place, method_id in attempts:
        try:
            totals = pricing.get_totals(
                quantities=quantities,
                destination=place,
                shipping_method_id=method_id,
                today=today,
                discount=discount,
            )
        except (ShippingMethodUnavailable, NotDeliverable) as refusal:
            problems.append(_from_refusal(refusal))
        else:
            return totals, problems
    raise AssertionError("a basket without a destination has a price")


def _from_refusal(refusal: ShopError) -> Problem:
    return Problem(refusal.code, str(refusal))


def _problems_of(summary: LineSummary) -> list[Problem]:
    line, variant = summary.line, summary.line.variant
    problems = []
    is_standing = variant.is_active and variant.removed_at is None
    if not is_standing or not variant.product.is_published:
        problems.append(Problem("not_for_sale", f"{variant.sku} is not sold any more.", line.pk))
    if variant.price_minor != line.seen_price_minor:
        was = Money(line.seen_price_minor, variant.currency)
        text = f"The price of {variant.sku} has changed from {was} to {variant.price}."
        problems.append(Problem("price_changed", text, line.pk))
    if summary.available is not None and summary.available < line.quantity:
        shown = min(summary.available, SHOWN_TO_CUSTOMERS)
        text = f"Of {variant.sku}, {shown} are available."
        problems.append(Problem("insufficient_stock", text, line.pk))
    return problems
