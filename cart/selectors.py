"""Reads of a cart that its view and the floors above need."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from cart import discounts, pricing
from cart.discounts import Discount
from cart.errors import COUPON_REFUSALS, NotDeliverable, ShippingMethodUnavailable
from cart.goods import Goods
from cart.models import Coupon
from cart.pricing import PricedLine, Quantities, Totals
from cart.reading import ADDRESS_FIELDS, Line, OpenCart, read_open_cart
from inventory.models import SHOWN_TO_CUSTOMERS
from shipping import selectors as shipping
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money


@dataclass(frozen=True)
class Problem:
    """Something the customer should know before placing the order."""

    code: str
    message: str
    line_id: int | None = None


@dataclass(frozen=True)
class LineSummary:
    """One line of a cart, priced."""

    line: Line
    priced: PricedLine

    @property
    def goods(self) -> Goods:
        """What it is a line of."""
        return self.priced.goods


@dataclass(frozen=True)
class CouponSummary:
    """The coupon on a cart."""

    code: str
    kind: str
    is_applied: bool


@dataclass(frozen=True)
class CartSummary:
    """A cart as the customer sees it; ``coupon`` is shown whether it holds or not."""

    lines: tuple[LineSummary, ...]
    totals: Totals
    destination: Mapping[str, Any] | None
    coupon: CouponSummary | None
    problems: tuple[Problem, ...]


def get_summary(*, user: User, now: datetime) -> CartSummary:
    """Return the user's open cart with totals and problems; an empty one where there is none."""
    cart = read_open_cart(user_id=user.pk, now=now)
    lines = cart.lines if cart else []
    quantities = [(line.goods, line.quantity) for line in lines]
    destination = cart.destination if cart else get_default_destination(user=user)
    coupon = Coupon.objects.get(pk=cart.coupon_id) if cart and cart.coupon_id else None
    discount, problems = _get_discount(coupon, quantities, user, now)
    totals, refusals = _get_totals(cart, quantities, destination, discount)
    problems += refusals
    summaries = tuple(
        LineSummary(line, priced) for line, priced in zip(lines, totals.lines, strict=True)
    )
    for summary in summaries:
        problems.extend(_problems_of(summary))
    shown = None
    if coupon is not None:
        shown = CouponSummary(coupon.code, coupon.kind, is_applied=totals.coupon is not None)
    return CartSummary(summaries, totals, destination, shown, tuple(problems))


def get_address(*, user: User, address_id: int) -> dict[str, Any]:
    """Return an entry of the user's address book as a destination.

    :raises AddressNotFound: it is not there, or another's.
    """
    address = shipping.get_address(user=user, address_id=address_id)
    return {name: getattr(address, name) for name in ADDRESS_FIELDS}


def get_default_destination(*, user: User) -> dict[str, Any] | None:
    """Return where this user's orders go when nothing else is said."""
    address = shipping.get_default_address(user=user)
    if address is None:
        return None
    return {name: getattr(address, name) for name in ADDRESS_FIELDS}


def _get_discount(
    coupon: Coupon | None, quantities: Quantities, user: User, now: datetime
) -> tuple[Discount | None, list[Problem]]:
    """Return what the cart's coupon takes off; one that does not hold any more says why."""
    if coupon is None:
        return None, []
    try:
        discount = discounts.get_discount(
            coupon=coupon,
            lines=pricing.price_lines(quantities),
            customer_id=user.pk,
            now=now,
        )
    except COUPON_REFUSALS as refusal:
        return None, [_from_refusal(refusal)]
    return discount, []


def _get_totals(
    cart: OpenCart | None,
    quantities: Quantities,
    destination: Mapping[str, Any] | None,
    discount: Discount | None,
) -> tuple[Totals, list[Problem]]:
    """Return the totals; a cart that cannot be sent is priced without sending, and says so."""
    chosen = cart.shipping_method_id if cart else None
    problems: list[Problem] = []
    charges = pricing.remember_charges(
        quantities=quantities, destination=destination, mark=cart.mark if cart else None
    )
    for goods, _ in quantities:
        goods.options = charges.options.get(goods.variant_id, {})
    attempts = [(destination, chosen, charges), (destination, None, charges), (None, None, None)]
    if chosen is None:
        del attempts[1]
    for place, method_id, known in attempts:
        try:
            totals = pricing.get_totals(
                quantities=quantities,
                destination=place,
                shipping_method_id=method_id,
                discount=discount,
                charges=known,
            )
        except (ShippingMethodUnavailable, NotDeliverable) as refusal:
            problems.append(_from_refusal(refusal))
        else:
            return totals, problems
    raise AssertionError("a basket without a destination has a price")


def _from_refusal(refusal: ShopError) -> Problem:
    return Problem(refusal.code, str(refusal))


def _problems_of(summary: LineSummary) -> list[Problem]:
    line, goods = summary.line, summary.goods
    problems = []
    if not line.is_for_sale:
        problems.append(Problem("not_for_sale", f"{goods.sku} is not sold any more.", line.pk))
    if goods.price_minor != line.seen_price_minor:
        was = Money(line.seen_price_minor, goods.currency)
        text = f"The price of {goods.sku} has changed from {was} to {goods.price}."
        problems.append(Problem("price_changed", text, line.pk))
    if line.sellable is not None and line.sellable < line.quantity:
        shown = min(line.sellable, SHOWN_TO_CUSTOMERS)
        text = f"Of {goods.sku}, {shown} are available."
        problems.append(Problem("insufficient_stock", text, line.pk))
    return problems
