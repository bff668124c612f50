"""The one way in which a stock level changes: a ledger row and a guarded UPDATE."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from inventory.models import MAX_UNITS, StockLevel, StockMovement
from shop_backend.kernel import statements, transactions
from shop_backend.kernel.selects import one_line

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
    statements.insert_all(
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
    if len(ordered) > 1 and connection.vendor == "postgresql":
        lock_levels([change.level_id for change in ordered])
        return _apply_all(ordered)
    return {change.level_id: _apply(change) for change in ordered}


def lock_levels(level_ids: Sequence[int]) -> dict[int, int]:
    """Lock the levels in primary-key order; return the units available on each.

    PostgreSQL takes them in the order of the sort. The lock is the one an UPDATE of these
    columns takes, so that whoever only points at a level does not wait.
    """
    ordered = sorted(level_ids)
    places = ", ".join(["%s"] * len(ordered))
    lock = {"postgresql": " FOR NO KEY UPDATE", "sqlite": ""}.get(connection.vendor, " FOR UPDATE")
    text = (
        "SELECT id, on_hand - reserved FROM inventory_stocklevel"
        f" WHERE id IN ({places}) ORDER BY id{lock}"  # nosec B608
    )
    return dict(statements.read(text, ordered))


def _apply_all(changes: Sequence[Change]) -> dict[int, int]:
    """Move many levels' counters in one statement, after all of them were locked in order.

    Without those locks one UPDATE of several hot rows takes them in any order, and deadlocks;
    and its guard would be asked of rows as they were before it waited. The guard stands on the
    row's own columns and its count is checked, as where one level moves.
    """
    values = ", ".join(["(%s::bigint, %s::int, %s::int)"] * len(changes))
    text = f"""
        UPDATE "inventory_stocklevel" l
        SET on_hand = l.on_hand + c.on_hand, reserved = l.reserved + c.reserved
        FROM (VALUES {values}) c (id, on_hand, reserved)
        WHERE l.id = c.id AND l.on_hand + c.on_hand >= l.reserved + c.reserved
            AND l.reserved + c.reserved >= 0 AND l.on_hand + c.on_hand <= %s
        RETURNING l.id, l.on_hand - l.reserved
    """  # nosec B608
    parameters = [
        value for change in changes for value in (change.level_id, change.on_hand, change.reserved)
    ]
    moved = dict(statements.read(one_line(text), [*parameters, MAX_UNITS]))
    for change in changes:
        if change.level_id not in moved:
            raise ChangeRefused(change)
    return moved


def _apply(change: Change) -> int:
    """Move one level's counters where the guard holds, and return the units available now.

    The guard stands on the row's own columns. Nothing in it may pass below 0 on the way:
    MariaDB's columns are unsigned.
    """
    claimed = change.reserved - change.on_hand
    guards, bounds = ['"id" = %s'], [change.level_id]
    if claimed > 0:
        guards.append('"on_hand" >= "reserved" + %s')
        bounds.append(claimed)
    if change.reserved < 0:
        guards.append('"reserved" >= %s')
        bounds.append(-change.reserved)
    if change.on_hand > 0:
        guards.append('"on_hand" <= %s')
        bounds.append(MAX_UNITS - change.on_hand)
    text = (
        'UPDATE "inventory_stocklevel" SET "on_hand" = "on_hand" + %s,'
        f' "reserved" = "reserved" + %s WHERE {" AND ".join(guards)}'  # nosec B608
    )
    available = _update(text, [change.on_hand, change.reserved, *bounds], change.level_id)
    if available is None:
        raise ChangeRefused(change)
    return available


def _update(text: str, parameters: Sequence[int], level_id: int) -> int | None:
    """Run the UPDATE; return the units available then, ``None`` where the guard did not hold.

    Where the database can, the UPDATE itself returns them: whoever waits for the level waits
    for no second statement.
    """
    if connection.vendor not in _RETURNING:
        is_done = statements.execute(text, parameters)
        return StockLevel.objects.get(pk=level_id).available if is_done else None
    rows = statements.read(f'{text} RETURNING "on_hand" - "reserved"', parameters)
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
