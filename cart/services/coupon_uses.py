"""Counting the uses of coupons: by conditional updates, so that no race gets around a limit.

The order's lock comes before, the stock after: coupon, then the customer's tally.
"""

from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from cart.errors import CouponUsedUp, InvalidCoupon
from cart.models import Coupon, CouponTally, CouponUse
from shop_backend.kernel import transactions


@transactions.requires_transaction
def use_coupon(*, coupon: Coupon, customer: User, reference: str) -> None:
    """Count one use of the coupon for an order that is being placed.

    :raises InvalidCoupon: it has been switched off meanwhile.
    :raises CouponUsedUp: it was used as often as it may be, at all or by this customer.
    """
    rows = Coupon.objects.filter(pk=coupon.pk, is_active=True)
    has_room = Q(usage_limit=None) | Q(used_count__lt=F("usage_limit"))
    if not rows.filter(has_room).update(used_count=F("used_count") + 1):
        raise CouponUsedUp(coupon=coupon.code) if rows.exists() else InvalidCoupon
    # The coupon's row is locked from here on, so its uses come one after the other.
    tally = _get_tally(coupon.pk, customer.pk)
    mine = CouponTally.objects.filter(pk=tally.pk)
    if coupon.per_customer_limit is not None:
        mine = mine.filter(used_count__lt=coupon.per_customer_limit)
    if not mine.update(used_count=F("used_count") + 1):
        raise CouponUsedUp(coupon=coupon.code)
    CouponUse.objects.create(coupon=coupon, customer=customer, reference=reference)


@transactions.requires_transaction
def release_coupon(*, reference: str) -> None:
    """Give back the use that this order made of a coupon; nothing if it holds none (any more)."""
    uses = CouponUse.objects.filter(reference=reference)
    if uses.open().update(released_at=timezone.now(), retaken_at=None):
        _count(uses.get(), -1)


@transactions.requires_transaction
def retake_coupon(*, reference: str) -> None:
    """Count the released use of this order again: it was paid after it had expired.

    The customer paid the price with the coupon, so no limit stands in the way.
    """
    uses = CouponUse.objects.filter(reference=reference)
    if uses.exclude(released_at=None).update(released_at=None, retaken_at=timezone.now()):
        _count(uses.get(), 1)


def _count(use: CouponUse, step: int) -> None:
    Coupon.objects.filter(pk=use.coupon_id).update(used_count=F("used_count") + step)
    tallies = CouponTally.objects.filter(coupon_id=use.coupon_id, customer_id=use.customer_id)
    tallies.update(used_count=F("used_count") + step)


def _get_tally(coupon_id: int, customer_id: int) -> CouponTally:
    # Locked: MariaDB's plain reads would miss a row that was committed a moment ago.
    tally, _ = CouponTally.objects.select_for_update().get_or_create(
        coupon_id=coupon_id, customer_id=customer_id
    )
    return tally
