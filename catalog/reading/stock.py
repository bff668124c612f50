"""Stock in an answer: its numbers, or places kept free for them.

Whoever shows products asks a ``Stock`` what to write. One knows the numbers. The other leaves
marks that cannot occur in any text, so that the answer can be kept and the numbers of the moment
put in each time it is given.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from inventory.models import SHOWN_TO_CUSTOMERS
from shop_backend.kernel import jsontext

Availability = Mapping[int, int | None]


class Stock(Protocol):
    """What an answer says about stock items."""

    def units(self, item_id: int) -> Any:
        """Return what stands for the units of an item, ``None`` where they are not counted."""

    def is_any_left(self, item_ids: Sequence[int]) -> Any:
        """Return what stands for whether a unit of one of the items can be bought."""


StockOf = Callable[[Availability], Stock]


class _KnownStock(NamedTuple):
    availability: Availability
    most_shown: int | None  # to customers; staff see all units

    def units(self, item_id: int) -> int | None:
        units = self.availability[item_id]
        return units if units is None or self.most_shown is None else min(units, self.most_shown)

    def is_any_left(self, item_ids: Sequence[int]) -> bool:
        return any(self.availability[item_id] != 0 for item_id in item_ids)


def known_to(user: Any) -> StockOf:
    """Return the reader of the numbers that this user may see."""
    most_shown = None if user.has_perm("catalog.view_product") else SHOWN_TO_CUSTOMERS
    return lambda availability: _KnownStock(availability, most_shown)


def known_to_customers(availability: Availability) -> Stock:
    """Return the numbers as everyone without a role sees them."""
    return _KnownStock(availability, SHOWN_TO_CUSTOMERS)


class LaterStock:
    """Keeps places free for the numbers that customers see."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(16)  # so that no name of a product can be taken for one
        self._places: list[tuple[str, tuple[int, ...]]] = []
        self.availability: Availability = {}

    def of(self, availability: Availability) -> "LaterStock":
        """Note the numbers of this moment, with which the answer is filled at first."""
        self.availability = availability
        return self

    def units(self, item_id: int) -> str:
        return self._keep("units", (item_id,))

    def is_any_left(self, item_ids: Sequence[int]) -> str:
        return self._keep("is_any_left", tuple(item_ids))

    def _keep(self, question: str, item_ids: tuple[int, ...]) -> str:
        self._places.append((question, item_ids))
        return f"{self._mark}{len(self._places) - 1}"

    def template(self, payload: Any) -> "Template":
        """Return the payload as bytes around the places."""
        pieces = re.split(rf'"{self._mark}(\d+)"'.encode(), jsontext.dumps(payload))
        return Template(
            parts=tuple(pieces[::2]),
            places=tuple(self._places[int(number)] for number in pieces[1::2]),
        )


class Template(NamedTuple):
    """An answer but for its stock; there is one part more than places."""

    parts: tuple[bytes, ...]
    places: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def item_ids(self) -> set[int]:
        """The stock items whose numbers it needs."""
        return {item_id for _, item_ids in self.places for item_id in item_ids}

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return sum(map(len, self.parts)) + 250 * len(self.places)

    def filled(self, availability: Availability) -> bytes:
        """Return the payload with these numbers."""
        stock = _KnownStock(availability, SHOWN_TO_CUSTOMERS)
        pieces = [self.parts[0]]
        for (question, item_ids), part in zip(self.places, self.parts[1:], strict=True):
            if question == "units":
                units = stock.units(item_ids[0])
                pieces.append(b"null" if units is None else b"%d" % units)
            else:
                pieces.append(b"true" if stock.is_any_left(item_ids) else b"false")
            pieces.append(part)
        return b"".join(pieces)
