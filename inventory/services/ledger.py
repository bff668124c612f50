"""The one way in which a stock level changes: a ledger row and a guarded UPDATE."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F
from django.db.models.sql import UpdateQuery

from inventory.models import MAX_UNITS, StockLevel, StockMovement
from shop_backend.kernel import transactions

SYSTEM_ACTOR: int | None = None
# UPDATE … RETURNING; MariaDB has it for INSERT and DELETE alone.
_RETURNING = {"postgresql", "sqlite"}


@dataclass(frozen=True, slots=True)
class Change:
    """By how much one level's two counters move."""

    level_id: int
    on_hand: int = 0
    reserved: int = 0


class ChangeRefused(Exception):
    """The level has too few units (or too many) for this change; nothing may be committed."""

    def __init__(self, change: Change) -> None:
        self.change = change
        super().__init__(f"Level {change.level_id} refuses {change}.")


@transactions.requires_transaction
def book(
    changes: Iterable[Change],
    *,
    kind: StockMovement.Kind,
    reference: str = "",
    reason: str = "",
    actor_id: int | None = SYSTEM_ACTOR,
) -> dict[int, int]:
    """Write the ledger rows, then move the counters, in primary-key order.

    The rows come first so that a level stays locked as briefly as can be.

    :param changes: at most one a level, each with something to move.
    :return: the units that are available now, per level.
    :raises ChangeRefused: a guard found too few units; the caller's transaction must not commit.
    """
    ordered = sorted(changes, key=lambda change: change.level_id)
    lock_before_inserts(change.level_id for change in ordered)
    StockMovement.objects.bulk_create(
        StockMovement(
            level_id=change.level_id,
            kind=kind,
            on_hand_delta=change.on_hand,
            reserved_delta=change.reserved,
            reference=reference,
            reason=reason,
            actor_id=actor_id,
        )
        for change in ordered
    )
    return {change.level_id: _apply(change) for change in ordered}


def _apply(change: Change) -> int:
    guard: dict[str, Any] = {}
    # Nothing here may pass below 0 on the way: MariaDB's columns are unsigned.
    claimed = change.reserved - change.on_hand
    if claimed > 0:
        guard["on_hand__gte"] = F("reserved") + claimed
    if change.reserved < 0:
        guard["reserved__gte"] = -change.reserved
    if change.on_hand > 0:
        guard["on_hand__lte"] = MAX_UNITS - change.on_hand
    columns: dict[str, Any] = {}
    if change.on_hand:
        columns["on_hand"] = F("on_hand") + change.on_hand
    if change.reserved:
        columns["reserved"] = F("reserved") + change.reserved
    available = _update(change.level_id, guard, columns)
    if available is None:
        raise ChangeRefused(change)
    return available


def _update(level_id: int, guard: Mapping[str, Any], columns: Mapping[str, Any]) -> int | None:
    """Move the counters where the guard holds; return the units available now, else ``None``.

    Where the database can, the UPDATE itself returns them: whoever waits for the level waits
    for no second statement.
    """
    level = StockLevel.objects.filter(pk=level_id, **guard)
    if connection.vendor not in _RETURNING:
        is_done = level.update(**columns)
        return StockLevel.objects.get(pk=level_id).available if is_done else None
    query: Any = level.query.chain(UpdateQuery)
    query.add_update_values(columns)
    statement, parameters = query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} RETURNING on_hand - reserved", parameters)
        rows = cursor.fetchall()
    return rows[0][0] if rows else None


def lock_before_inserts(level_ids: Iterable[int]) -> None:
    """Lock the levels where an INSERT that points at them would lock them half.

    MariaDB takes a shared lock on the parent row of an inserted foreign key; two transactions
    that both hold one and both want to UPDATE the row are a deadlock.
    """
    if connection.vendor == "mysql":
        list(
            StockLevel.objects.select_for_update()
            .filter(pk__in=list(level_ids))
            .order_by("pk")
            .values_list("pk")
        )
