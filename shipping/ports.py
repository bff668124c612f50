"""What shipping has to ask the apps above it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shop_backend.kernel.money import Money
from shop_backend.kernel.ports import Port


@dataclass(frozen=True)
class ParcelLine:
    """So many units of one SKU; ``name`` is filled in by whoever knows the order."""

    sku: str
    quantity: int
    name: str = ""


@dataclass(frozen=True)
class Parcel:
    """What may go into one parcel, and whose it is."""

    reference: str
    customer_id: int
    lines: tuple[ParcelLine, ...]


class Fulfilment(Protocol):
    """Knows what a reference (an order's number) still has to be sent."""

    def lock(self, *, reference: str) -> None:
        """Lock the order until the caller's transaction ends; orders come before parcels."""

    def claim_parcel(
        self, *, reference: str, lines: Sequence[ParcelLine] | None, actor_id: int | None
    ) -> Parcel:
        """Lock the order and return these lines of it with their names.

        Runs in the caller's transaction; raises whatever forbids the parcel.

        :param lines: ``None`` for everything that is left.
        """


@dataclass(frozen=True)
class Basket:
    """What decides which shipping methods take it."""

    subtotal: Money
    weight_grams: int
    needs_shipping: bool


class Baskets(Protocol):
    """Knows products, prices and carts."""

    def weigh(self, *, user: Any, items: Sequence[Mapping[str, Any]] | None) -> Basket:
        """Return price and weight of these items, or of the user's cart when there are none.

        :param items: each has ``quantity`` and one of ``product_id``, ``variant_id``, ``sku``.
        """


fulfilment: Port[Fulfilment] = Port("shipping.fulfilment")
baskets: Port[Baskets] = Port("shipping.baskets")
