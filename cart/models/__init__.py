"""Carts, coupons and tax rates."""

from cart.models.baskets import Cart, CartLine, CartQuerySet
from cart.models.coupons import Coupon, CouponTally, CouponUse
from cart.models.taxes import TaxRate

__all__ = [
    "Cart",
    "CartLine",
    "CartQuerySet",
    "Coupon",
    "CouponTally",
    "CouponUse",
    "TaxRate",
]
