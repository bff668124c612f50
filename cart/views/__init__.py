"""The signed-in customer's cart, and the coupons and tax rates of the shop."""

from cart.views.baskets import CartCouponView, CartItemView, CartShippingView, CartView
from cart.views.coupons import CouponViewSet
from cart.views.tax_rates import TaxRateViewSet

__all__ = [
    "CartCouponView",
    "CartItemView",
    "CartShippingView",
    "CartView",
    "CouponViewSet",
    "TaxRateViewSet",
]
