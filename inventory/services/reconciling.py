"""Proving that the counters of the levels are what the ledger and the holds say.

The ledger and the reservations are the books; the two counters of a level are a cache of them.
Every change writes books and counters in one transaction, so any one look agrees, also while
the shop sells.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from inventory.models import Reservation, StockLevel, StockMovement
from shop_backend.kernel import transactions

logger = logging.getLogger(__name__)

BATCH = 500


@dataclass(frozen=True, slots=True)
class Books:
    """What one level counts, and what its ledger and its holds sum up to."""

    level_id: int
    sku: str
    location: str
    on_hand: int
    reserved: int
    ledger_on_hand: int
    ledger_reserved: int
    held: int

    @property
    def is_right(self) -> bool:
        """Whether the counters are what the books say."""
        return (
            self.on_hand == self.ledger_on_hand
            and self.reserved == self.ledger_reserved == self.held
        )

    @property
    def is_mendable(self) -> bool:
        """Whether the books agree with each other, so that the counters can follow them."""
        return self.ledger_reserved == self.held and 0 <= self.held <= self.ledger_on_hand

    def __str__(self) -> str:
        return (
            f"{self.sku} at {self.location} (level {self.level_id}):"
            f" on hand {self.on_hand}, ledger {self.ledger_on_hand};"
            f" reserved {self.reserved}, ledger {self.ledger_reserved}, held {self.held}"
        )


def count_levels(*, sku: str | None = None) -> int:
    """Return how many levels there are to look at."""
    return _levels(sku).count()


def look_through(*, sku: str | None = None) -> Iterator[list[Books]]:
    """Look at the levels in batches, in the order of their keys; yield each batch's books."""
    last = 0
    while True:
        batch = _read(_levels(sku).filter(pk__gt=last).order_by("pk")[:BATCH])
        if not batch:
            return
        yield batch
        last = batch[-1].level_id


class BooksContradict(Exception):
    """Ledger and holds of a level do not agree with each other, or would make it impossible."""


def mend_level(*, level_id: int) -> bool:
    """Set the level's counters to what its books say; return whether they are that now."""
    try:
        recount_level(level_id=level_id)
    except BooksContradict:
        return False
    return True


@transactions.use_case
def recount_level(*, level_id: int) -> dict[str, tuple[int, int]]:
    """Set the level's counters to what its books say, under its lock.

    What was wrong a moment ago may be right by now.

    :return: what each counter that changed was and is; nothing if the level was right.
    :raises BooksContradict: the books are left to a person.
    """
    level = StockLevel.objects.select_for_update().get(pk=level_id)
    books = _read(StockLevel.objects.filter(pk=level_id))[0]
    if books.is_right:
        return {}
    if not books.is_mendable:
        raise BooksContradict(str(books))
    StockLevel.objects.filter(pk=level_id).update(on_hand=books.ledger_on_hand, reserved=books.held)
    logger.warning("stock level mended: %s", books)
    counted = {
        "on_hand": (level.on_hand, books.ledger_on_hand),
        "reserved": (level.reserved, books.held),
    }
    return {name: (was, now) for name, (was, now) in counted.items() if was != now}


def _levels(sku: str | None) -> QuerySet[StockLevel]:
    levels = StockLevel.objects.all()
    return levels if sku is None else levels.filter(item__sku=sku)


def _read(levels: QuerySet[StockLevel]) -> list[Books]:
    """Read the counters and their books in one statement: of one and the same moment."""
    rows: Iterable[tuple[int, str, str, int, int, int, int, int]] = levels.values_list(
        "pk",
        "item__sku",
        "location__code",
        "on_hand",
        "reserved",
        _sum_of(StockMovement.objects.all(), "on_hand_delta"),
        _sum_of(StockMovement.objects.all(), "reserved_delta"),
        _sum_of(Reservation.objects.held(), "quantity"),
    )
    return [Books(*row) for row in rows]


def _sum_of(rows: QuerySet, column: str) -> Coalesce:
    of_level = rows.filter(level=OuterRef("pk")).order_by().values("level")
    units = Subquery(of_level.annotate(units=Sum(column)).values("units"))
    return Coalesce(units, Value(0), output_field=IntegerField())
