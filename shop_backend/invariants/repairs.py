"""What may be mended by a machine: a counter that is a cache of other rows, and nothing else.

Each is a service of the app that owns the table, takes that app's locks, and may run while the
shop sells; here it is only made to say what it did.
"""

from collections.abc import Mapping

from cart import services as cart
from cart.models import CouponTally, CouponUse
from catalog import services as catalog
from inventory.services import reconciling
from orders import services as orders
from payments import services as payments


def stock_level(pk: int) -> str:
    """Set a level's counters to what its ledger and its holds say."""
    try:
        return _said(reconciling.recount_level(level_id=pk))
    except reconciling.BooksContradict:
        return "left to a person: its ledger and its holds contradict each other"


def coupon(pk: int) -> str:
    """Count a coupon's uses again."""
    return _said(cart.recount_coupon(coupon_id=pk))


def coupon_of_tally(pk: int) -> str:
    """Count the uses of a tally's coupon again."""
    return coupon(CouponTally.objects.values_list("coupon_id", flat=True).get(pk=pk))


def coupon_of_use(pk: int) -> str:
    """Count the uses of a use's coupon again."""
    return coupon(CouponUse.objects.values_list("coupon_id", flat=True).get(pk=pk))


def order_money(pk: int) -> str:
    """Take an order's balance from its payments again."""
    return _said(orders.recount_money(order_id=pk))


def payment_counters(pk: int) -> str:
    """Set a payment's counters to what its ledger adds up to."""
    return "counted by its ledger" if payments.rebuild_payment_counters(payment_id=pk) else ""


def product_rating(pk: int) -> str:
    """Take a product's rating and count from its approved reviews again."""
    return _said(catalog.recount_reviews(product_id=pk))


def product_stock(pk: int) -> str:
    """Look again at whether a product can be bought."""
    return _said(catalog.recheck_stock(product_id=pk))


def _said(changed: Mapping[str, tuple[int, int]]) -> str:
    return ", ".join(f"{name} {was} -> {now}" for name, (was, now) in changed.items())
