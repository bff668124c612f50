"""Every way in which shipping says no."""

from shop_backend.kernel.errors import BadInput, Conflict, Missing


class AddressNotFound(Missing):
    code = "address_not_found"
    message = "There is no such address in your address book."


class DestinationRequired(BadInput):
    code = "destination_required"
    message = "Where should it go? Send an address, or save one as your default."
    field = "address"


class TooManyAddresses(Conflict):
    code = "too_many_addresses"
    message = "An address book holds at most {limit} addresses."


class DefaultAddressNeeded(Conflict):
    code = "default_address_needed"
    message = "An address book has one default; make another address the default instead."


class BasketRequired(BadInput):
    code = "basket_required"
    message = "What should be sent? Send items, or subtotal and weight_grams, or sign in."
    field = "items"


class ZoneNotFound(Missing):
    code = "zone_not_found"
    message = "There is no zone {zone_id}."


class ZoneNameTaken(BadInput):
    code = "zone_name_taken"
    message = "There is already a zone of this name."
    field = "name"


class ZoneInUse(Conflict):
    code = "zone_in_use"
    message = "Shipping methods are limited to this zone: {methods}."


class ShippingMethodNotFound(Missing):
    code = "shipping_method_not_found"
    message = "There is no such shipping method."


class MethodCodeTaken(BadInput):
    code = "method_code_taken"
    message = "There is already a shipping method with this code."
    field = "code"


class ShipmentNotFound(Missing):
    code = "shipment_not_found"
    message = "There is no such shipment."


class TrackingNumberTaken(BadInput):
    code = "tracking_number_taken"
    message = "Another shipment has this tracking number."
    field = "tracking_number"


class IllegalShipmentTransition(Conflict):
    code = "illegal_shipment_transition"
    message = "A shipment that is {current} cannot become {wanted}; it may become: {allowed}."
