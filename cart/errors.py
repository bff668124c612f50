"""Every way the cart says no."""

from shop_backend.kernel.errors import BadInput, Conflict, Missing


class CartFull(Conflict):
    code = "cart_full"
    message = "A cart holds at most {most} different items."


class CartLineNotFound(Missing):
    code = "cart_line_not_found"
    message = "There is no such line in your cart."


class ShippingMethodUnavailable(Conflict):
    code = "shipping_method_unavailable"
    message = "This shipping method does not serve this address and basket."


class NotDeliverable(Conflict):
    code = "not_deliverable"
    message = "No shipping method serves this address and basket."


class CouponExpired(Conflict):
    code = "coupon_expired"
    message = "The coupon {coupon} has expired."


class CouponMinSubtotal(Conflict):
    code = "coupon_min_subtotal"
    message = "The coupon {coupon} is for baskets of at least {minimum}."


class CouponNotApplicable(Conflict):
    code = "coupon_not_applicable"
    message = "Nothing in this basket is covered by the coupon {coupon}."


class CouponUsedUp(Conflict):
    code = "coupon_used_up"
    message = "The coupon {coupon} has been used as often as it can be."


class InvalidCoupon(BadInput):
    code = "invalid_coupon"
    message = "There is no such coupon."


# Why a coupon that is there, or was, does not hold for a basket.
COUPON_REFUSALS = (
    InvalidCoupon,
    CouponExpired,
    CouponMinSubtotal,
    CouponNotApplicable,
    CouponUsedUp,
)


class CouponCodeTaken(BadInput):
    code = "coupon_code_taken"
    message = "There is already a coupon of this code."
    field = "code"


class CouponInUse(Conflict):
    code = "coupon_in_use"
    message = "Orders have used this coupon; switch it off instead of deleting it."


class CouponLimitBelowUses(BadInput):
    code = "coupon_limit_below_uses"
    message = "The coupon has been used {used} times already; switch it off to stop it."
    field = "usage_limit"


class CouponScopeNotFound(Missing):
    code = "coupon_scope_not_found"
    message = "There is no {kind} {id}."


class TaxRateExists(BadInput):
    code = "tax_rate_exists"
    message = "This tax class already has a rate for this place."
    field = "region"


class UnknownTaxClass(Missing):
    code = "unknown_tax_class"
    message = "There is no tax class {tax_class}."
