"""Availability for the hottest reads: one statement, no models."""

from collections.abc import Collection, Sequence
from typing import Any

from shop_backend.kernel.replicas import reading_connection

_STATEMENT = """
SELECT {beside}, item.id, item.is_tracked,
    SUM(CASE WHEN place.is_active THEN level.on_hand - level.reserved ELSE 0 END)
FROM inventory_stockitem item
LEFT JOIN inventory_stocklevel level ON level.item_id = item.id
LEFT JOIN inventory_location place ON place.id = level.location_id
WHERE item.id IN ({places})
GROUP BY item.id, item.is_tracked
"""


def read_availability(item_ids: Collection[int]) -> dict[int, int | None]:
    """Return what ``selectors.get_availability`` does, at a fraction of the cost."""
    return read_availability_beside(item_ids, scalars=["0"])[1]


def read_availability_beside(
    item_ids: Collection[int], *, scalars: Sequence[str]
) -> tuple[Sequence[Any] | None, dict[int, int | None]]:
    """Return the values of SQL expressions and the availability, all as of one moment.

    The values are ``None`` where there are none of these items.

    :param scalars: SQL of ours, never of a caller from outside.
    """
    if not item_ids:
        return None, {}
    places = ", ".join(["%s"] * len(item_ids))
    with reading_connection().cursor() as cursor:
        cursor.execute(_STATEMENT.format(beside=", ".join(scalars), places=places), list(item_ids))
        rows = cursor.fetchall()
    found = {pk: int(free or 0) if is_tracked else None for *_, pk, is_tracked, free in rows}
    return (rows[0][: len(scalars)] if rows else None), found
