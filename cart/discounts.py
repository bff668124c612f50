"""What a coupon takes off a basket, and whether it holds for it at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cart.errors import (
    CouponExpired,
    CouponMinSubtotal,
    CouponNotApplicable,
    CouponUsedUp,
    InvalidCoupon,
)
from cart.goods import Goods
from cart.models import Coupon, CouponTally
from cart.models.coupons import WHOLE_BASIS_POINTS, is_code, normalise_code
from catalog.category_tree import CategoryTree
from shop_backend.kernel import money
from shop_backend.kernel.money import Money


class Line(Protocol):
    """What of a priced line matters here."""

    @property
    def goods(self) -> Goods: ...
    @property
    def line_total(self) -> Money: ...


@dataclass(frozen=True)
class Discount:
    """A coupon that holds for a basket, and what it takes off each of its lines."""

    coupon: Coupon
    shares: tuple[Money, ...]

    @property
    def is_shipping_free(self) -> bool:
        """Whether sending costs nothing."""
        return self.coupon.kind == Coupon.Kind.FREE_SHIPPING


def get_coupon(code: str) -> Coupon:
    """Return the active coupon of this code, in any case.

    :raises InvalidCoupon: there is none, or it is switched off.
    """
    key = normalise_code(code)
    coupon = Coupon.objects.filter(code=key, is_active=True).first()
    # A database may find É under E; a code has plain letters only.
    if coupon is None or not is_code(key):
        raise InvalidCoupon
    return coupon


def get_discount(
    *, coupon: Coupon, lines: Sequence[Line], customer_id: int, now: datetime
) -> Discount:
    """Return what the coupon takes off these lines for this customer now.

    Whether it is used up is only looked at here; placing an order counts the use.

    :raises InvalidCoupon: it is switched off, or its time has not come.
    :raises CouponExpired: its time is over.
    :raises CouponUsedUp: it was used as often as it may be, at all or by this customer.
    :raises CouponNotApplicable: it covers none of the lines.
    :raises CouponMinSubtotal: the basket costs too little.
    """
    _check_time(coupon, now)
    _check_limits(coupon, customer_id)
    covered = _get_covered(coupon, lines)
    if not any(covered):
        raise CouponNotApplicable(coupon=coupon.code)
    currency = lines[0].line_total.currency
    subtotal = money.total((line.line_total for line in lines), currency)
    if coupon.currency != currency:
        raise CouponNotApplicable(coupon=coupon.code)
    minimum = coupon.min_subtotal
    if minimum is not None and subtotal < minimum:
        raise CouponMinSubtotal(coupon=coupon.code, minimum=str(minimum))
    weights = [
        line.line_total.minor if is_covered else 0
        for line, is_covered in zip(lines, covered, strict=True)
    ]
    return Discount(coupon, tuple(share_out(coupon, weights, currency)))


def share_out(coupon: Coupon, weights: Sequence[int], currency: str) -> list[Money]:
    """Return each line's share of what the coupon takes off.

    :param weights: minor units of each line, 0 where the coupon does not cover it.
    """
    return Money(_get_worth(coupon, sum(weights)), currency).split(weights)


def _check_time(coupon: Coupon, now: datetime) -> None:
    if not coupon.is_active or (coupon.starts_at is not None and now < coupon.starts_at):
        raise InvalidCoupon
    if coupon.ends_at is not None and now >= coupon.ends_at:
        raise CouponExpired(coupon=coupon.code)


def _check_limits(coupon: Coupon, customer_id: int) -> None:
    if coupon.usage_limit is not None and coupon.used_count >= coupon.usage_limit:
        raise CouponUsedUp(coupon=coupon.code)
    limit = coupon.per_customer_limit
    tallies = CouponTally.objects.filter(coupon=coupon, customer_id=customer_id)
    if limit is not None and tallies.filter(used_count__gte=limit).exists():
        raise CouponUsedUp(coupon=coupon.code)


def _get_covered(coupon: Coupon, lines: Sequence[Line]) -> list[bool]:
    """Return of each line whether the coupon is for it; without limits it is for all."""
    product_ids = set(coupon.products.values_list("pk", flat=True))
    category_ids = set(coupon.categories.values_list("pk", flat=True))
    if not product_ids and not category_ids:
        return [True] * len(lines)
    if category_ids:
        tree = CategoryTree.read()
        category_ids = {below for pk in category_ids for below in tree.descendants(pk)}
    return [
        line.goods.product_id in product_ids or line.goods.category_id in category_ids
        for line in lines
    ]


def _get_worth(coupon: Coupon, covered_minor: int) -> int:
    if coupon.kind == Coupon.Kind.PERCENT:
        basis_points = coupon.percent_basis_points or 0
        # Half up, in whole numbers.
        return (2 * covered_minor * basis_points + WHOLE_BASIS_POINTS) // (2 * WHOLE_BASIS_POINTS)
    if coupon.kind == Coupon.Kind.FIXED:
        return min(coupon.amount_minor or 0, covered_minor)
    return 0
