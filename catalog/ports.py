"""What the catalogue has to ask of the apps above it."""

from typing import Protocol

from shop_backend.kernel.ports import Port


class Deliveries(Protocol):
    """Knows who received what."""

    def has_received(self, *, user_id: int, product_id: int) -> bool:
        """Return whether a unit of a variant of the product reached the person and stayed."""


deliveries: Port[Deliveries] = Port("catalog.deliveries")
