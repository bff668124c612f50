"""The attacks, in the order in which they run."""

from tests.chaos.attack import Attack
from tests.chaos.attacks import (
    a1_stock,
    a2_coupon,
    a3_cart,
    a4_repeat,
    a5_refund,
    a6_ends,
    a7_carts,
    a8_accounts,
)

ALL: tuple[type[Attack], ...] = (
    *a1_stock.ATTACKS,
    *a2_coupon.ATTACKS,
    *a3_cart.ATTACKS,
    *a4_repeat.ATTACKS,
    *a5_refund.ATTACKS,
    *a6_ends.ATTACKS,
    *a7_carts.ATTACKS,
    *a8_accounts.ATTACKS,
)
