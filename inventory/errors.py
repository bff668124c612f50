"""How inventory says no."""

from collections.abc import Iterable
from typing import Any

from inventory.models import SHOWN_TO_CUSTOMERS
from shop_backend.kernel.errors import BadInput, Conflict, Missing


class InsufficientStock(Conflict):
    """Fewer units are available than asked for.

    :param item_ids: every stock item that was short; for programs in the house, not for clients.
    """

    code = "insufficient_stock"
    message = "Not enough stock for {sku}: {requested} requested, {shown} available."

    def __init__(self, *, item_ids: Iterable[int] = (), **params: Any) -> None:
        self.item_ids = frozenset(item_ids)
        if params["available"] > SHOWN_TO_CUSTOMERS:
            shown, params["available"] = f"over {SHOWN_TO_CUSTOMERS}", SHOWN_TO_CUSTOMERS
        else:
            shown = str(params["available"])
        super().__init__(**params, shown=shown)
        del self.params["shown"]  # it is the message's word for ``available``


class NotReserved(Conflict):
    code = "not_reserved"
    message = "{requested} units of {sku} should leave, {reserved} are reserved for it."


class ItemReserved(Conflict):
    code = "item_reserved"
    message = "Orders hold units of {sku}; whether it is counted cannot change now."


class UnitsReserved(Conflict):
    code = "units_reserved"
    message = (
        "{on_hand} units of {sku} are on hand at {location}, {reserved} of them reserved:"
        " {wanted} cannot be left."
    )


class StockElsewhere(Conflict):
    code = "stock_elsewhere"
    message = "{elsewhere} units of {sku} are available at other locations; adjust those first."


class TooManyUnits(BadInput):
    code = "too_many_units"
    message = "A location holds at most {most} units of one SKU."


class NothingToMove(BadInput):
    code = "nothing_to_move"
    message = "A movement of 0 units is none."


class SameLocation(BadInput):
    code = "same_location"
    message = "A transfer has two different locations."


class SkuInUse(Conflict):
    code = "sku_in_use"
    message = "There is stock of another item under the SKU {sku}."


class ItemNotFound(Missing):
    code = "sku_not_found"
    message = "There is no SKU {sku}."


class LocationNotFound(Missing):
    code = "location_not_found"
    message = "There is no location {location}."


class LocationInUse(Conflict):
    code = "location_in_use"
    message = "The location {location} has stock or a history of it; deactivate it instead."


class LocationCodeTaken(BadInput):
    code = "location_code_taken"
    message = "There is a location {location} already."
    field = "code"


class NoActiveLocation(Conflict):
    code = "no_active_location"
    message = "No location is active, so there is nowhere to put stock."
