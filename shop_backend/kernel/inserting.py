"""Inserting what may be there already, in one statement that says whether it was."""

from django.db.models import Model

from shop_backend.kernel import statements


def insert_if_new(row: Model, *, caller_id: int | None = None) -> bool:
    """Insert the row and give it its key, unless a unique constraint has one like it.

    Who finds one that is being inserted by another transaction waits for that transaction's end.

    :param caller_id: whose account must not have ended; see ``callers``.
    :return: whether it was inserted; if not, the row here has no key.
    """
    return statements.insert_or_skip(row, "ON CONFLICT DO NOTHING", caller_id=caller_id)
