"""Every way orders says no."""

from shop_backend.kernel.errors import BadInput, Conflict, Missing, Refused


class OrderNotFound(Missing):
    code = "order_not_found"
    message = "There is no such order."


class CartEmpty(Conflict):
    code = "cart_empty"
    message = "The cart is empty."


class NotForSale(Conflict):
    code = "not_for_sale"  # as in the cart's problems
    message = "{sku} is not sold any more; take line {item_id} out of the cart."


class TooManyUnpaidOrders(Conflict):
    """Each holds stock, so an account could empty the shelves without paying for anything."""

    code = "too_many_unpaid_orders"
    message = "You have {limit} unpaid orders; pay or cancel one first."


class AddressRequired(BadInput):
    code = "address_required"
    message = "Something has to be shipped: give an address_id or a shipping_address."
    field = "shipping_address"


class TotalChanged(Conflict):
    code = "total_changed"
    message = "The total is {total}, not the {expected} you expected."


class TotalTooLarge(Conflict):
    code = "total_too_large"
    message = "An order of this size is beyond what the shop can take at once."


class IllegalOrderTransition(Conflict):
    code = "illegal_order_transition"
    message = "The order is {current} and cannot become {wanted}; it may become: {allowed}."


class StatusNotSettable(Conflict):
    code = "status_not_settable"
    message = "The status {wanted} is never set by hand."


class OrderActionRefused(Refused):
    code = "permission_denied"
    message = "Your role does not allow this."


class NothingDue(Conflict):
    code = "nothing_due"
    message = "Nothing is due: the order is {current}."


class OrderNotUnpaid(Conflict):
    code = "order_not_unpaid"
    message = "Only an unpaid order can be deleted."


class RefundFirst(Conflict):
    code = "refund_first"
    message = "The order still holds {amount}; refund it first."


class NotShippable(Conflict):
    code = "not_shippable"
    message = "The order is {current}; only paid orders are shipped."


class NotLeftToShip(Conflict):
    code = "not_left_to_ship"
    message = "Of {sku}, {left} are left to ship, not {requested}."


class NothingLeftToShip(Conflict):
    code = "nothing_left_to_ship"
    message = "Everything of this order is in a parcel already."


class AlreadyPartlyShipped(Conflict):
    code = "already_shipped"
    message = "A part of the order is on its way; it cannot be cancelled any more."


class ReturnNotFound(Missing):
    code = "return_not_found"
    message = "There is no such return."


class OrderLineNotFound(Missing):
    code = "order_line_not_found"
    message = "The order has no line {line}."


class IllegalReturnTransition(Conflict):
    code = "illegal_return_transition"
    message = "The return is {current} and cannot become {wanted}; it may become: {allowed}."


class NotLeftToReturn(Conflict):
    code = "not_left_to_return"
    message = "Of {sku}, {left} can be sent back, not {requested}."


class ReturnWindowClosed(Conflict):
    code = "return_window_closed"
    message = "Goods can be sent back until {days} days after their delivery."


class MoreReceivedThanAsked(Conflict):
    code = "more_received_than_asked"
    message = "Of {sku}, {asked} were asked back; {received} cannot have come."
