"""Every write of shipping: address books, methods and their zones, parcels."""

from shipping.ports import Parcel, ParcelLine
from shipping.services.addresses import (
    MAX_ADDRESSES,
    add_address,
    change_address,
    delete_address,
    export_customer,
    forget_customer,
    lock_book,
)
from shipping.services.methods import delete_method, delete_zone, save_method, save_zone
from shipping.services.parcels import (
    cancel_packed_shipments,
    cancel_shipment,
    change_shipment,
    create_shipment,
    lock_shipment,
    mark_delivered,
    mark_shipped,
    new_tracking_number,
)

__all__ = [
    "MAX_ADDRESSES",
    "Parcel",
    "ParcelLine",
    "add_address",
    "cancel_packed_shipments",
    "cancel_shipment",
    "change_address",
    "create_shipment",
    "change_shipment",
    "delete_address",
    "delete_method",
    "delete_zone",
    "export_customer",
    "forget_customer",
    "lock_book",
    "lock_shipment",
    "mark_delivered",
    "mark_shipped",
    "new_tracking_number",
    "save_method",
    "save_zone",
]
