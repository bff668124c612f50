"""Carts, coupons and tax rates for the people who run the shop."""

from cart.admin.baskets import CartAdmin
from cart.admin.coupons import CouponAdmin, CouponTallyAdmin, CouponUseAdmin
from cart.admin.tax_rates import TaxRateAdmin

__all__ = ["CartAdmin", "CouponAdmin", "CouponTallyAdmin", "CouponUseAdmin", "TaxRateAdmin"]
