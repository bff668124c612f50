"""What a basket costs: the one place where totals are made, for carts and orders alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from cart import taxes
from cart.charges import Charges, Method, get_charges, get_charges_as_of
from cart.discounts import Discount
from cart.errors import NotDeliverable, ShippingMethodUnavailable
from cart.goods import Goods
from cart.models import Coupon
from cart.taxes import NO_TAX, AppliedRate
from shop_backend.kernel import money
from shop_backend.kernel.money import Money

Quantities = Sequence[tuple[Goods, int]]


@dataclass(frozen=True)
class PricedLine:
    """So many units of something, and their part in every total."""

    goods: Goods
    quantity: int
    line_total: Money
    discount: Money
    tax: Money
    rate: AppliedRate = NO_TAX

    @property
    def is_shipped(self) -> bool:
        """Whether it goes into a parcel; untracked items are downloads and services."""
        return self.goods.is_tracked


@dataclass(frozen=True)
class Totals:
    """total = subtotal - discount + shipping, + tax where prices do not contain it."""

    lines: tuple[PricedLine, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    shipping_tax: Money
    shipping_rate: AppliedRate
    is_tax_included: bool
    shipping_method: Method | None
    coupon: Coupon | None

    @property
    def total(self) -> Money:
        """What the customer is asked for."""
        net = self.subtotal - self.discount + self.shipping
        return net if self.is_tax_included else net + self.tax

    @property
    def needs_shipping(self) -> bool:
        """Whether anything of it goes into a parcel."""
        return any(line.is_shipped for line in self.lines)


def price_lines(quantities: Quantities) -> tuple[PricedLine, ...]:
    """Return the lines at the catalogue's present prices."""
    return tuple(_priced(goods, quantity) for goods, quantity in quantities)


def get_totals(
    *,
    quantities: Quantities,
    destination: Mapping[str, Any] | None,
    shipping_method_id: int | None,
    discount: Discount | None = None,
    charges: Charges | None = None,
) -> Totals:
    """Return what these units cost, sent to this destination.

    :param destination: an address with ``country`` and ``region``; ``None`` while unknown, and
        then shipping is nothing yet.
    :param shipping_method_id: the method asked for; ``None``: the cheapest that serves.
    :param discount: what a coupon takes off these lines, in their order.
    :param charges: what was read of the destination already.
    :raises ShippingMethodUnavailable: the method asked for does not serve it.
    :raises NotDeliverable: no method does, though the shop has some.
    """
    currency = settings.SHOP_CURRENCY
    lines = price_lines(quantities)
    subtotal = money.total((line.line_total for line in lines), currency)
    if charges is None:
        charges = read_charges(quantities=quantities, destination=destination)
    method, shipping_price = _get_shipping(
        lines, subtotal, destination, shipping_method_id, charges
    )
    if discount is not None:
        lines = tuple(
            replace(line, discount=share)
            for line, share in zip(lines, discount.shares, strict=True)
        )
        if discount.is_shipping_free:
            shipping_price = Money.zero(currency)
    rates = charges.rates
    *line_taxes, shipping_tax = taxes.get_taxes(
        [
            *((line.line_total - line.discount, rates.of(_class_of(line))) for line in lines),
            (shipping_price, rates.shipping),
        ],
        is_included=settings.PRICES_INCLUDE_TAX,
    )
    lines = tuple(
        replace(line, tax=tax, rate=rates.of(_class_of(line)))
        for line, tax in zip(lines, line_taxes, strict=True)
    )
    return Totals(
        lines=lines,
        subtotal=subtotal,
        discount=money.total((line.discount for line in lines), currency),
        shipping=shipping_price,
        tax=money.total((*line_taxes, shipping_tax), currency),
        shipping_tax=shipping_tax,
        shipping_rate=rates.shipping if shipping_price else NO_TAX,
        is_tax_included=settings.PRICES_INCLUDE_TAX,
        shipping_method=method,
        coupon=discount.coupon if discount else None,
    )


def read_charges(
    *, quantities: Quantities, destination: Mapping[str, Any] | None, with_options: bool = False
) -> Charges:
    """Return what comes on top of these units where they go, in one query.

    :param with_options: read the options of the goods along.
    """
    needs_shipping = any(goods.is_tracked for goods, _ in quantities)
    return get_charges(
        destination=destination if needs_shipping else None,
        place=taxes.get_place(destination=destination, needs_shipping=needs_shipping),
        variant_ids=[goods.variant_id for goods, _ in quantities] if with_options else (),
    )


def remember_charges(
    *, quantities: Quantities, destination: Mapping[str, Any] | None, mark: int | None
) -> Charges:
    """Return what ``read_charges`` does, options included, as of a version of the catalogue.

    :param mark: see ``get_charges_as_of``.
    """
    needs_shipping = any(goods.is_tracked for goods, _ in quantities)
    return get_charges_as_of(
        mark,
        destination=destination if needs_shipping else None,
        place=taxes.get_place(destination=destination, needs_shipping=needs_shipping),
        variant_ids=[goods.variant_id for goods, _ in quantities],
    )


def weigh(lines: Sequence[PricedLine]) -> int:
    """Return the weight in grams of what is sent."""
    return sum(line.goods.weight_grams * line.quantity for line in lines if line.is_shipped)


def _priced(goods: Goods, quantity: int) -> PricedLine:
    nothing = Money.zero(goods.currency)
    return PricedLine(goods, quantity, goods.price * quantity, nothing, nothing)


def _class_of(line: PricedLine) -> int | None:
    return line.goods.tax_class_id


def _get_shipping(
    lines: Sequence[PricedLine],
    subtotal: Money,
    destination: Mapping[str, Any] | None,
    method_id: int | None,
    charges: Charges,
) -> tuple[Method | None, Money]:
    free = Money.zero(subtotal.currency)
    if destination is None or not any(line.is_shipped for line in lines):
        return None, free
    offers = charges.get_offers(subtotal=subtotal, weight_grams=weigh(lines))
    if method_id is not None:
        offers = [offer for offer in offers if offer[0].pk == method_id]
        if not offers:
            raise ShippingMethodUnavailable
    if offers:
        return offers[0]
    # A shop that has set up no methods at all sends for nothing, rather than selling nothing.
    if not charges.has_methods:
        return None, free
    raise NotDeliverable
