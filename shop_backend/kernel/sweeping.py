"""Rows that are due, a batch at a time, past whoever is at work on some of them."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from shop_backend.kernel import transactions


@transactions.requires_transaction
def free_rows(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Lock the rows and leave out those that others have locked, where the database can.

    Elsewhere nothing is locked, or a lock is waited for: each row must be looked at again by
    whoever changes it, which a sweep does anyway.
    """
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=_of())
    return rows


@transactions.use_case
def delete_batch(rows: QuerySet[Any], *, limit: int) -> int:
    """Delete the first of these rows that nobody else works on; return how many went.

    :param rows: with the condition that makes them due; it is asked again as they go.
    """
    pks = list(free_rows(rows.order_by("pk")).values_list("pk", flat=True)[:limit])
    return rows.filter(pk__in=pks).delete()[0]


def _of() -> tuple[str, ...]:
    # A join's other table is not the sweep's to lock; MariaDB cannot say so.
    return ("self",) if connection.features.has_select_for_update_of else ()
