"""Units put aside for a reference, given back, or gone with the goods."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from inventory import errors, selectors
from inventory.models import (
    MAX_UNITS,
    Location,
    Reservation,
    StockItem,
    StockLevel,
    StockMovement,
)
from inventory.services.ledger import (
    SYSTEM_ACTOR,
    Change,
    ChangeRefused,
    book,
    lock_before_inserts,
    lock_levels,
)
from inventory.services.low_stock import tell_if_low
from inventory.services.shelves import ensure_levels
from shop_backend.kernel import statements, transactions
from shop_backend.kernel.selects import Columns, Select

DAMAGED = "Came back damaged"
_LEVELS = Select(
    """
    SELECT {columns} FROM inventory_stocklevel l
    JOIN inventory_stockitem i ON i.id = l.item_id
    JOIN inventory_location w ON w.id = l.location_id
    WHERE l.item_id IN ({among}) ORDER BY l.id
    """,
    Columns("l", StockLevel),
    Columns("i", StockItem),
    Columns("w", Location),
)
_LEVEL_COLUMNS = len(StockLevel._meta.concrete_fields)
_ITEM_COLUMNS = _LEVEL_COLUMNS + len(StockItem._meta.concrete_fields)
_EXPIRES_AT = Reservation._meta.get_field("expires_at")
# Units above the threshold from which on it is looked closely whether an item runs low.
_NEAR = 10


@transactions.requires_transaction
def reserve(*, quantities: Mapping[int, int], reference: str, expires_at: datetime | None) -> None:
    """Put units aside for one reference: all of them or none.

    Locations are taken by priority, one that has all the units of an item before several that
    have some. Call it last in the transaction: from here to the commit the levels are locked.

    :param quantities: units wanted per stock item pk, each at least 1; items that are not
        tracked are skipped.
    :param expires_at: ``None`` holds them until they are released or committed.
    :raises InsufficientStock: fewer units are available than asked for.
    """
    tracked, shelves = _look(quantities)
    takings = _plan(tracked, quantities, shelves)
    lock_before_inserts(takings)
    statements.insert_all(
        Reservation(level_id=level_id, reference=reference, quantity=units, expires_at=expires_at)
        for level_id, units in sorted(takings.items())
    )
    told = _tell_before(tracked, quantities, shelves, takings)
    try:
        left = book(
            [Change(level_id, reserved=units) for level_id, units in takings.items()],
            kind=StockMovement.Kind.RESERVATION,
            reference=reference,
        )
    except ChangeRefused as refused:
        level = StockLevel.objects.get(pk=refused.change.level_id)
        short = {level.item_id: level.available}
        raise _shortage(short, tracked, quantities) from refused
    for item_id in tracked.keys() - told:  # came down further meanwhile than was to be foreseen
        after = sum(left.get(level.pk, level.available) for level in shelves[item_id])
        tell_if_low(item=tracked[item_id], before=after + quantities[item_id], after=after)


@transactions.requires_transaction
def release(*, reference: str) -> None:
    """Give back whatever is still put aside for the reference; nothing is fine."""
    held = _held(reference)
    if not held:
        return
    Reservation.objects.filter(pk__in=[row.pk for row in held]).update(
        status=Reservation.Status.RELEASED
    )
    book(
        [Change(level_id, reserved=-units) for level_id, units in _by_level(held).items()],
        kind=StockMovement.Kind.RELEASE,
        reference=reference,
    )


@transactions.requires_transaction
def extend_hold(*, reference: str, expires_at: datetime | None) -> None:
    """Let what is put aside for the reference be held until then; ``None``: without an end."""
    statements.execute(
        'UPDATE "inventory_reservation" SET "expires_at" = %s'
        ' WHERE "reference" = %s AND "status" = \'held\'',
        [statements.adapted(_EXPIRES_AT, expires_at), reference],
    )


@transactions.requires_transaction
def commit(*, reference: str, quantities: Mapping[int, int]) -> None:
    """Let reserved goods leave the house.

    :param quantities: units per stock item pk, each at least 1; items that are not tracked and
        of which nothing is held are skipped.
    :raises NotReserved: more should leave than is reserved for the reference.
    """
    held = _held(reference)
    # What is held leaves by the ledger, even if the item is not tracked any more.
    kept = {row.level.item_id for row in held}
    items = {pk: item for pk, item in _items(quantities).items() if item.is_tracked or pk in kept}
    leaving: dict[int, int] = defaultdict(int)
    whole: list[int] = []
    for item_id, item in sorted(items.items()):
        of_item = [row for row in held if row.level.item_id == item_id]
        reserved = sum(row.quantity for row in of_item)
        if reserved < quantities[item_id]:
            raise errors.NotReserved(sku=item.sku, requested=quantities[item_id], reserved=reserved)
        for row, units in _choose_rows(of_item, quantities[item_id]):
            leaving[row.level_id] += units
            if units == row.quantity:
                whole.append(row.pk)
            else:
                _commit_a_part(row, units)
    if whole:
        Reservation.objects.filter(pk__in=whole).update(status=Reservation.Status.COMMITTED)
    book(
        [Change(level_id, on_hand=-units, reserved=-units) for level_id, units in leaving.items()],
        kind=StockMovement.Kind.SHIPMENT,
        reference=reference,
    )


@transactions.requires_transaction
def take_back(
    *,
    reference: str,
    quantities: Mapping[int, int],
    reason: str,
    actor_id: int | None = SYSTEM_ACTOR,
    damaged: Mapping[int, int] | None = None,
    location_id: int | None = None,
) -> None:
    """Put goods that came back on the shelf; what is damaged is written off at once.

    The ledger shows every unit that came back as a return, and the damaged ones leaving again
    as an adjustment.

    :param quantities: units per stock item pk, each at least 1, the damaged among them; items
        that are not tracked are skipped.
    :param damaged: units of them per stock item pk that cannot be sold, each at least 1.
    :param location_id: where they go; the default location if ``None``.
    :raises TooManyUnits: a level would hold more than a level can.
    """
    tracked = _tracked(quantities)
    if not tracked:
        return
    if location_id is None:
        location = selectors.get_default_location()
    else:
        location = Location.objects.get(pk=location_id)
    levels = ensure_levels(item_ids=tracked, location=location)
    said: dict[str, Any] = {"reference": reference, "actor_id": actor_id}
    try:
        book(
            [Change(levels[item_id], on_hand=quantities[item_id]) for item_id in tracked],
            kind=StockMovement.Kind.RETURN,
            reason=reason,
            **said,
        )
    except ChangeRefused as refused:
        raise errors.TooManyUnits(most=MAX_UNITS) from refused
    lost = {item_id: units for item_id, units in (damaged or {}).items() if item_id in tracked}
    if any(units < 1 or units > quantities[item_id] for item_id, units in lost.items()):
        raise ValueError("Damaged units are some of those that came back.")
    if lost:
        book(
            [Change(levels[item_id], on_hand=-units) for item_id, units in lost.items()],
            kind=StockMovement.Kind.ADJUSTMENT,
            reason=DAMAGED,
            **said,
        )


def _tell_before(
    tracked: Mapping[int, StockItem],
    quantities: Mapping[int, int],
    shelves: Mapping[int, Sequence[StockLevel]],
    takings: Mapping[int, int],
) -> set[int]:
    """Tell of the items that run low by these takings; return those that were looked at.

    Before the stock is taken, because nothing comes after that. Their levels are locked first,
    so that one of many buyers sees the crossing. An item that is far from its threshold is left
    alone: its level is touched by its UPDATE alone, and by nothing before.
    """
    near = {
        item_id
        for item_id, item in tracked.items()
        if item.runs_low_at < _units(shelves[item_id])
        and _units(shelves[item_id]) - quantities[item_id] <= item.runs_low_at + _NEAR
    }
    # All of them, in their order, though one may be near alone: else two buyers could lock two
    # levels in opposite order.
    available = lock_levels(sorted(takings)) if near else {}
    for item_id in sorted(near):
        before = sum(available.get(level.pk, level.available) for level in shelves[item_id])
        if before >= quantities[item_id]:  # else it is refused in a moment
            after = before - quantities[item_id]
            tell_if_low(item=tracked[item_id], before=before, after=after)
    return near


def _units(levels: Sequence[StockLevel]) -> int:
    return sum(level.available for level in levels)


def _tracked(quantities: Mapping[int, int]) -> dict[int, StockItem]:
    return {pk: item for pk, item in _items(quantities).items() if item.is_tracked}


def _check_whole(quantities: Mapping[int, int]) -> None:
    if any(isinstance(units, bool) or units < 1 for units in quantities.values()):
        raise ValueError("Quantities are whole numbers of at least 1.")


def _items(quantities: Mapping[int, int]) -> dict[int, StockItem]:
    _check_whole(quantities)
    items = StockItem.objects.in_bulk(list(quantities))
    unknown = set(quantities) - set(items)
    if unknown:
        raise errors.ItemNotFound(sku=f"#{min(unknown)}")
    return items


def _look(
    quantities: Mapping[int, int],
) -> tuple[dict[int, StockItem], dict[int, list[StockLevel]]]:
    """Return the tracked items, and the levels that sell of each, the first to be taken from first.

    An item on one shelf is left to the guard of its UPDATE. Where several shelves could serve,
    the choice is made under their locks, else a stale one would refuse what another shelf has.
    """
    _check_whole(quantities)
    found = _read_levels(list(quantities))
    items = {level.item_id: level.item for level in found}
    if items.keys() != quantities.keys():
        items = _items(quantities)  # some lie on no shelf
    tracked = {pk: items[pk] for pk in quantities if items[pk].is_tracked}
    by_item = _sellable_by_item(level for level in found if level.item_id in tracked)
    if any(len(shelves) > 1 for shelves in by_item.values()):
        levels = StockLevel.objects.filter(item_id__in=list(tracked)).order_by("pk")
        by_item = _sellable_by_item(levels.select_for_update().prefetch_related("location"))
    return tracked, by_item


def _read_levels(item_ids: Sequence[int]) -> list[StockLevel]:
    found: list[StockLevel] = []
    if not item_ids:
        return found
    for row in _LEVELS.rows(item_ids, among=item_ids):
        level = statements.build(StockLevel, row[:_LEVEL_COLUMNS])
        level.item = statements.build(StockItem, row[_LEVEL_COLUMNS:_ITEM_COLUMNS])
        level.location = statements.build(Location, row[_ITEM_COLUMNS:])
        found.append(level)
    return found


def _plan(
    tracked: Mapping[int, StockItem],
    quantities: Mapping[int, int],
    by_item: Mapping[int, list[StockLevel]],
) -> dict[int, int]:
    """Return the units to take per level."""
    short = {}
    takings: dict[int, int] = {}
    for item_id in tracked:
        shelves = by_item.get(item_id, [])
        available = sum(level.available for level in shelves)
        if available < quantities[item_id]:
            short[item_id] = available
        takings |= _choose(shelves, quantities[item_id])
    if short:
        raise _shortage(short, tracked, quantities)
    return takings


def _sellable_by_item(levels: Iterable[StockLevel]) -> dict[int, list[StockLevel]]:
    by_item: dict[int, list[StockLevel]] = defaultdict(list)
    for level in sorted(levels, key=lambda level: (level.location.priority, level.location_id)):
        if level.location.is_active:
            by_item[level.item_id].append(level)
    return by_item


def _choose(levels: Sequence[StockLevel], wanted: int) -> dict[int, int]:
    free = {level.pk: level.available for level in levels}
    for level_id, units in free.items():
        if units >= wanted:
            return {level_id: wanted}
    takings = {}
    for level_id, units in free.items():
        takings[level_id] = min(units, wanted)
        wanted -= takings[level_id]
    return {level_id: units for level_id, units in takings.items() if units > 0}


def _shortage(
    short: Mapping[int, int], tracked: Mapping[int, StockItem], quantities: Mapping[int, int]
) -> errors.InsufficientStock:
    first = min(short)
    return errors.InsufficientStock(
        item_ids=short,
        sku=tracked[first].sku,
        requested=quantities[first],
        available=short[first],
    )


def _held(reference: str) -> list[Reservation]:
    """Return what is put aside for the reference, locked."""
    rows = Reservation.objects.select_for_update().held().filter(reference=reference)
    return list(rows.prefetch_related("level").order_by("pk"))


def _by_level(rows: Iterable[Reservation]) -> dict[int, int]:
    units: dict[int, int] = defaultdict(int)
    for row in rows:
        units[row.level_id] += row.quantity
    return units


def _choose_rows(rows: Iterable[Reservation], wanted: int) -> Iterator[tuple[Reservation, int]]:
    for row in rows:
        if not wanted:
            return
        units = min(row.quantity, wanted)
        wanted -= units
        yield row, units


def _commit_a_part(row: Reservation, units: int) -> None:
    Reservation.objects.filter(pk=row.pk).update(quantity=F("quantity") - units)
    Reservation.objects.create(
        level_id=row.level_id,
        reference=row.reference,
        quantity=units,
        status=Reservation.Status.COMMITTED,
        expires_at=None,
    )
