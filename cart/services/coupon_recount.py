"""The counters of a coupon are a cache of its uses; this makes them that again."""

import logging

from django.db.models import Count

from cart.models import Coupon, CouponTally, CouponUse
from shop_backend.kernel import transactions

logger = logging.getLogger(__name__)


@transactions.use_case
def recount_coupon(*, coupon_id: int) -> dict[str, tuple[int, int]]:
    """Set the coupon's counter, and those of its customers, to the number of its open uses.

    The coupon's lock comes first: whoever uses it holds that before the use is written, and
    whoever gives a use back waits for it with a step that is right before and after. A count
    above the limit stays above it: uses are facts.

    :return: what each counter that changed was and is; nothing if all were right.
    """
    coupon = Coupon.objects.select_for_update().get(pk=coupon_id)
    per_customer = dict(
        CouponUse.objects.open()
        .filter(coupon=coupon)
        .order_by()
        .values("customer")
        .annotate(uses=Count("pk"))
        .values_list("customer", "uses")
    )
    changed: dict[str, tuple[int, int]] = {}
    counted = sum(per_customer.values())
    if coupon.used_count != counted:
        Coupon.objects.filter(pk=coupon_id).update(used_count=counted)
        changed["used_count"] = (coupon.used_count, counted)
    tallies = CouponTally.objects.select_for_update().filter(coupon=coupon).order_by("pk")
    known = {tally.customer_id: tally for tally in tallies}
    for customer_id in sorted({*known, *per_customer}):
        was = known[customer_id].used_count if customer_id in known else 0
        uses = per_customer.get(customer_id, 0)
        if was != uses:
            CouponTally.objects.update_or_create(
                coupon=coupon, customer_id=customer_id, defaults={"used_count": uses}
            )
            changed[f"used_count of customer {customer_id}"] = (was, uses)
    if changed:
        logger.warning("coupon %s recounted: %s", coupon_id, changed)
    return changed
