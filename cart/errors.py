"""Every way the cart says no."""

from shop_backend.kernel.errors import Conflict, Missing


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
