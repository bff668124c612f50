"""Whether products can be bought is kept beside them on PostgreSQL; here it is set.

Triggers write down what may have changed it (``StockDoubt``). It is set in a transaction that does
nothing else: a product that somebody else has locked is left for the next time, and once it has
its products this waits for nobody, so it cannot be part of a deadlock.
"""

from collections.abc import Collection
from typing import Any

from django.db import connection

from catalog.models import StockDoubt
from shop_backend.kernel import transactions

_LOCK = 5_005_117  # of PostgreSQL's advisory locks: one at a time
_FREE = "SELECT pg_try_advisory_xact_lock(%s)"
# One place has many items; only now, after its commit, is it certain that each is seen.
_OF_LOCATIONS = """
WITH doubted AS (DELETE FROM catalog_stockdoubt WHERE subject = 'location' RETURNING subject_id)
INSERT INTO catalog_stockdoubt (subject, subject_id)
SELECT DISTINCT 'item', item_id FROM inventory_stocklevel
WHERE location_id IN (SELECT subject_id FROM doubted)
"""
_DOUBTS = """
SELECT d.id, CASE d.subject WHEN 'product' THEN d.subject_id ELSE v.product_id END
FROM (
    SELECT id, subject, subject_id FROM catalog_stockdoubt
    WHERE subject <> 'location' ORDER BY id LIMIT %s
) d LEFT JOIN catalog_variant v ON d.subject = 'item' AND v.stock_item_id = d.subject_id
"""
_PRODUCTS = "SELECT id FROM catalog_product WHERE id = ANY(%s) ORDER BY id"
# After the lock, in a statement of its own: it sees all that was committed before the lock.
_SET = """
UPDATE catalog_product p SET is_in_stock = NOT p.is_in_stock
WHERE p.id = ANY(%s) AND p.is_in_stock <> EXISTS (
    SELECT 1 FROM catalog_variant v JOIN inventory_stockitem i ON i.id = v.stock_item_id
    WHERE v.product_id = p.id AND v.is_active AND v.removed_at IS NULL AND (
        NOT i.is_tracked OR EXISTS (
            SELECT 1 FROM inventory_stocklevel l JOIN inventory_location o ON o.id = l.location_id
            WHERE l.item_id = i.id AND o.is_active AND l.on_hand > l.reserved
        )
    )
)
"""
_KEPT = "SELECT is_in_stock FROM catalog_product WHERE id = %s"
_SETTLED = "DELETE FROM catalog_stockdoubt WHERE id = ANY(%s)"


@transactions.use_case
def settle_stock_doubts(*, limit: int = 1_000) -> int:
    """Look again at the products in doubt; return how many doubts are settled.

    None, where somebody else is at it, and on databases that keep no such flag.
    """
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        if not _all(cursor, _FREE, [_LOCK])[0][0]:
            return 0
        cursor.execute(_OF_LOCATIONS)
        doubts = _all(cursor, _DOUBTS, [limit])
        ids = {product_id for _, product_id in doubts if product_id is not None}
        there = _ids(cursor, _PRODUCTS, ids)
        locked = _ids(cursor, f"{_PRODUCTS} FOR NO KEY UPDATE SKIP LOCKED", there)
        cursor.execute(_SET, [sorted(locked)])
        held = there - locked
        open_ids = {doubt for doubt, product_id in doubts if product_id in held}
        settled = {doubt for doubt, _ in doubts} - open_ids
        cursor.execute(_SETTLED, [sorted(settled)])
    return len(settled)


@transactions.use_case
def recheck_stock(*, product_id: int) -> dict[str, tuple[bool, bool]]:
    """Look again whether a product can be bought, at once or, if it is held, the next time.

    :returns: what was wrong: the column, what it said and what it says now; nothing on databases
        that keep no such flag.
    """
    if connection.vendor != "postgresql":
        return {}
    StockDoubt.objects.create(subject=StockDoubt.Subject.PRODUCT, subject_id=product_id)
    with connection.cursor() as cursor:
        was = _all(cursor, _KEPT, [product_id])[0][0]
        settle_stock_doubts()
        now = _all(cursor, _KEPT, [product_id])[0][0]
    return {} if was == now else {"is_in_stock": (was, now)}


def _ids(cursor: Any, statement: str, ids: Collection[int]) -> set[int]:
    return {pk for (pk,) in _all(cursor, statement, [sorted(ids)])}


def _all(cursor: Any, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    cursor.execute(statement, parameters)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
