"""Everything that changes stock: ``from inventory import services as inventory``."""

from inventory.services.holding import commit, extend_hold, release, reserve, take_back
from inventory.services.low_stock import set_low_stock_threshold
from inventory.services.shelves import (
    adjust,
    count,
    create_location,
    delete_location,
    ensure_items,
    receive,
    rename_item,
    set_available,
    set_available_of_many,
    set_tracking,
    transfer,
    update_location,
)

__all__ = [
    "adjust",
    "commit",
    "count",
    "create_location",
    "delete_location",
    "ensure_items",
    "extend_hold",
    "receive",
    "release",
    "rename_item",
    "reserve",
    "set_available",
    "set_available_of_many",
    "set_low_stock_threshold",
    "set_tracking",
    "take_back",
    "transfer",
    "update_location",
]
