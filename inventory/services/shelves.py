"""Items, their places, and the counting of what lies there."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from inventory import errors, selectors
from inventory.models import MAX_UNITS, Location, StockItem, StockLevel, StockMovement
from inventory.services.ledger import SYSTEM_ACTOR, Change, ChangeRefused, book
from inventory.services.low_stock import tell_if_low
from shop_backend.kernel import transactions

INITIAL_STOCK = "Initial stock"


@transactions.use_case
def ensure_items(*, skus: Iterable[str]) -> dict[str, StockItem]:
    """Return the stock items of those SKUs, new ones where there are none yet."""
    wanted = list(dict.fromkeys(skus))
    StockItem.objects.bulk_create([StockItem(sku=sku) for sku in wanted], ignore_conflicts=True)
    found = list(StockItem.objects.filter(sku__in=wanted))
    exact = {item.sku: item for item in found}
    # MariaDB holds SKUs that differ in case alone for the same one.
    alike = {item.sku.casefold(): item for item in found}
    return {sku: exact.get(sku) or alike[sku.casefold()] for sku in wanted}


@transactions.use_case
def rename_item(*, item_id: int, sku: str) -> None:
    """Give an item another SKU; its stock, holds and history stay with it.

    :raises SkuInUse: another item has that SKU.
    """
    try:
        with transaction.atomic():
            StockItem.objects.filter(pk=item_id).update(sku=sku)
    except IntegrityError as error:
        raise errors.SkuInUse(sku=sku) from error


@transactions.use_case
def set_tracking(*, item_id: int, is_tracked: bool) -> None:
    """Say whether an item's units are counted; not while some of them are put aside.

    :raises ItemReserved: orders hold units of it.
    """
    item = StockItem.objects.select_for_update().get(pk=item_id)
    levels = list(item.levels.select_for_update().order_by("pk"))
    if item.is_tracked != is_tracked and any(level.reserved for level in levels):
        raise errors.ItemReserved(sku=item.sku)
    item.is_tracked = is_tracked
    item.save(update_fields=["is_tracked"])


@transactions.requires_transaction
def ensure_levels(*, item_ids: Iterable[int], location: Location) -> dict[int, int]:
    """Return the level pk per item at that location, new levels where there are none yet."""
    wanted = set(item_ids)
    levels = StockLevel.objects.filter(item_id__in=wanted, location=location)
    found = dict(levels.values_list("item_id", "pk"))
    missing = sorted(wanted - set(found))
    if missing:
        StockLevel.objects.bulk_create(
            [StockLevel(item_id=item_id, location=location) for item_id in missing],
            ignore_conflicts=True,
        )
        # A locking read sees the row that another transaction has just added, on MariaDB too.
        now = levels.select_for_update().order_by("pk")
        found = dict(now.values_list("item_id", "pk"))
    return found


@transactions.use_case
def receive(
    *,
    quantities: Mapping[int, int],
    reason: str = INITIAL_STOCK,
    actor_id: int | None = SYSTEM_ACTOR,
) -> None:
    """Take new goods in at the default location.

    :param quantities: units per stock item pk, each at least 1.
    :raises TooManyUnits: a level would hold more than a level can.
    """
    levels = ensure_levels(item_ids=quantities, location=selectors.get_default_location())
    changes = [Change(levels[item_id], on_hand=units) for item_id, units in quantities.items()]
    try:
        book(changes, kind=StockMovement.Kind.RECEIPT, reason=reason, actor_id=actor_id)
    except ChangeRefused as refused:
        raise errors.TooManyUnits(most=MAX_UNITS) from refused


@transactions.use_case
def adjust(
    *, item_id: int, location_id: int, delta: int, reason: str, actor_id: int | None
) -> StockLevel:
    """Book units that were found, lost or broken.

    :param delta: by how many units the units on hand differ; not 0.
    :raises UnitsReserved: fewer would be on hand than are reserved.
    :raises TooManyUnits: a level would hold more than a level can.
    """
    if not delta:
        raise errors.NothingToMove
    return _change_on_hand(_locked_level(item_id, location_id), delta, reason, actor_id)


@transactions.use_case
def count(
    *, item_id: int, location_id: int, counted: int, reason: str, actor_id: int | None
) -> StockLevel:
    """Book what was counted on the shelf; a count that confirms the books moves nothing.

    :param counted: units on hand, reserved ones among them.
    :raises UnitsReserved: fewer were counted than are reserved.
    """
    level = _locked_level(item_id, location_id)
    return _change_on_hand(level, counted - level.on_hand, reason, actor_id)


@transactions.use_case
def set_available(*, item_id: int, available: int, reason: str, actor_id: int | None) -> StockLevel:
    """Make that many units available, by a counted adjustment at the default location.

    What other active locations have available counts in, so that writing the number that was
    read changes nothing.

    :raises StockElsewhere: other locations have more than that available.
    """
    location = selectors.get_default_location()
    level = _locked_level(item_id, location.pk)
    others = StockLevel.objects.for_sale().filter(item_id=item_id).exclude(pk=level.pk)
    elsewhere = sum(other.available for other in others)
    if elsewhere > available:
        raise errors.StockElsewhere(sku=level.item.sku, elsewhere=elsewhere)
    wanted = available - elsewhere + level.reserved
    return _change_on_hand(level, wanted - level.on_hand, reason, actor_id)


@transactions.use_case
def set_available_of_many(
    *, quantities: Mapping[int, int], reason: str, actor_id: int | None
) -> None:
    """Do what ``set_available`` does, at once for the items that lie nowhere yet.

    :param quantities: units per stock item pk.
    """
    stored = StockLevel.objects.filter(item_id__in=quantities).values_list("item_id", flat=True)
    known = set(stored)
    for item_id in sorted(known):
        set_available(
            item_id=item_id, available=quantities[item_id], reason=reason, actor_id=actor_id
        )
    new = {pk: units for pk, units in quantities.items() if pk not in known}
    if not new:
        return
    levels = ensure_levels(item_ids=new, location=selectors.get_default_location())
    changes = [Change(levels[pk], on_hand=units) for pk, units in new.items() if units]
    if changes:
        book(changes, kind=StockMovement.Kind.ADJUSTMENT, reason=reason, actor_id=actor_id)


@transactions.use_case
def transfer(
    *,
    item_id: int,
    source_id: int,
    target_id: int,
    quantity: int,
    reason: str,
    actor_id: int | None,
) -> tuple[StockLevel, StockLevel]:
    """Move units that nobody reserved from one location to another; return both levels.

    :raises InsufficientStock: the source has fewer units that are not reserved.
    :raises TooManyUnits: the target would hold more than a level can.
    """
    if source_id == target_id:
        raise errors.SameLocation
    source = ensure_levels(item_ids=[item_id], location=Location.objects.get(pk=source_id))
    target = ensure_levels(item_ids=[item_id], location=Location.objects.get(pk=target_id))
    changes = [Change(source[item_id], -quantity), Change(target[item_id], quantity)]
    try:
        book(changes, kind=StockMovement.Kind.TRANSFER, reason=reason, actor_id=actor_id)
    except ChangeRefused as refused:
        if refused.change.on_hand > 0:
            raise errors.TooManyUnits(most=MAX_UNITS) from refused
        level = _level(refused.change.level_id)
        raise errors.InsufficientStock(
            item_ids=[item_id],
            sku=level.item.sku,
            requested=quantity,
            available=level.available,
        ) from refused
    left, arrived = _level(source[item_id]), _level(target[item_id])
    if not arrived.location.is_active:
        _tell_if_low(left, quantity)
    return left, arrived


@transactions.use_case
def create_location(
    *, code: str, name: str, priority: int = 100, is_active: bool = True
) -> Location:
    """Add a place where stock can lie.

    :raises LocationCodeTaken: another location has the code.
    """
    location = Location(code=code, name=name, priority=priority, is_active=is_active)
    _save_location(location)
    return location


@transactions.use_case
def update_location(*, location: Location, fields: Mapping[str, Any]) -> Location:
    """Change the named fields of a location: code, name, priority, is_active.

    :raises LocationCodeTaken: another location has the code.
    """
    for name, value in fields.items():
        setattr(location, name, value)
    _save_location(location, list(fields))
    return location


@transactions.use_case
def delete_location(*, location: Location) -> None:
    """Remove a location that never had any stock.

    :raises LocationInUse: it has levels; deactivate it instead.
    """
    try:
        with transaction.atomic():
            location.delete()
    except (ProtectedError, IntegrityError) as error:
        raise errors.LocationInUse(location=location.code) from error


def _save_location(location: Location, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            location.save(update_fields=update_fields)
    except IntegrityError as error:
        raise errors.LocationCodeTaken(location=location.code) from error


def _level(pk: int) -> StockLevel:
    return StockLevel.objects.select_related("item", "location").get(pk=pk)


def _locked_level(item_id: int, location_id: int) -> StockLevel:
    location = Location.objects.get(pk=location_id)
    pk = ensure_levels(item_ids=[item_id], location=location)[item_id]
    level = StockLevel.objects.select_for_update().get(pk=pk)
    level.item, level.location = StockItem.objects.get(pk=item_id), location
    return level


def _change_on_hand(level: StockLevel, delta: int, reason: str, actor_id: int | None) -> StockLevel:
    if not delta:
        return level
    if level.on_hand + delta > MAX_UNITS:
        raise errors.TooManyUnits(most=MAX_UNITS)
    try:
        book(
            [Change(level.pk, on_hand=delta)],
            kind=StockMovement.Kind.ADJUSTMENT,
            reason=reason,
            actor_id=actor_id,
        )
    except ChangeRefused as refused:
        raise errors.UnitsReserved(
            sku=level.item.sku,
            location=level.location.code,
            on_hand=level.on_hand,
            reserved=level.reserved,
            wanted=level.on_hand + delta,
        ) from refused
    if delta < 0:
        _tell_if_low(level, -delta)
    return _level(level.pk)


def _tell_if_low(level: StockLevel, gone: int) -> None:
    """Tell if the item runs low by the units that are gone from this level."""
    if level.location.is_active and level.item.is_tracked:
        after = selectors.get_availability([level.item_id])[level.item_id] or 0
        tell_if_low(item=level.item, before=after + gone, after=after)
