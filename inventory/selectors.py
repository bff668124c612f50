"""What other apps may ask of inventory."""

from collections.abc import Iterable
from typing import Any

from inventory import errors
from inventory.models import Location, StockItem


def get_availability(item_ids: Iterable[int]) -> dict[int, int | None]:
    """Return for each item how many units can be sold; ``None`` where that is unlimited.

    Only locations that sell count. Ids that are no item's are left out.
    """
    items: Any = StockItem.objects.filter(pk__in=set(item_ids)).with_totals()
    rows = items.values_list("pk", "is_tracked", "sellable")
    return {pk: sellable if is_tracked else None for pk, is_tracked, sellable in rows}


def get_default_location() -> Location:
    """Return where stock goes when nobody names a place: the first active location.

    :raises NoActiveLocation: every location was deactivated.
    """
    location = Location.objects.filter(is_active=True).order_by("priority", "pk").first()
    if location is None:
        raise errors.NoActiveLocation
    return location


def get_item(*, sku: str) -> StockItem:
    """Return the item of that SKU.

    :raises ItemNotFound: there is none.
    """
    try:
        return StockItem.objects.get(sku=sku)
    except StockItem.DoesNotExist as error:
        raise errors.ItemNotFound(sku=sku) from error


def get_location(*, code: str) -> Location:
    """Return the location of that code.

    :raises LocationNotFound: there is none.
    """
    try:
        return Location.objects.get(code=code)
    except Location.DoesNotExist as error:
        raise errors.LocationNotFound(location=code) from error
