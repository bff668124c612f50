"""Shapes of carts, coupons and tax rates, in and out."""

from cart.serializers.baskets import (
    CartSerializer,
    CartShippingSerializer,
    CouponCodeSerializer,
    ItemSerializer,
    QuantitySerializer,
    SetLineSerializer,
    reference_of,
)
from cart.serializers.coupons import CouponSerializer
from cart.serializers.tax_rates import TaxRateSerializer

__all__ = [
    "CartSerializer",
    "CartShippingSerializer",
    "CouponCodeSerializer",
    "CouponSerializer",
    "ItemSerializer",
    "QuantitySerializer",
    "SetLineSerializer",
    "TaxRateSerializer",
    "reference_of",
]
