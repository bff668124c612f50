"""Every write to carts, coupons and tax rates."""

from cart.services.baskets import (
    apply_coupon,
    change_quantity,
    choose_shipping,
    close_cart,
    delete_abandoned_carts,
    empty,
    forget_customer,
    lock_cart,
    lock_cart_for_order,
    remove_coupon,
    remove_line,
    set_line,
)
from cart.services.coupon_recount import recount_coupon
from cart.services.coupon_uses import release_coupon, retake_coupon, use_coupon
from cart.services.coupons import delete_coupon, save_coupon
from cart.services.tax_rates import delete_tax_rate, save_tax_rate

__all__ = [
    "apply_coupon",
    "change_quantity",
    "choose_shipping",
    "close_cart",
    "delete_abandoned_carts",
    "delete_coupon",
    "delete_tax_rate",
    "empty",
    "forget_customer",
    "lock_cart",
    "lock_cart_for_order",
    "recount_coupon",
    "release_coupon",
    "remove_coupon",
    "remove_line",
    "retake_coupon",
    "save_coupon",
    "save_tax_rate",
    "set_line",
    "use_coupon",
]
