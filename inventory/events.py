"""News of the shelves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StockLow:
    """An item has just come down to the units at which it runs low."""

    item_id: int
    available: int
