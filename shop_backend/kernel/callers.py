"""Whoever asks, asked for by the very statements that write something for them.

A token is checked before the transaction that it lets in. An account that ends in between has
forgotten by then what it knew of the person, and nobody would forget what is written afterwards.
So such a statement locks the account's row and finds nobody once that is over: the end of an
account holds the row for itself, from before it forgets until it is committed. The row comes
before all others that the end of an account locks: carts, orders, addresses, keys.
"""

from functools import lru_cache

from django.contrib.auth import get_user_model
from django.db import connection

# Of all locks the weakest that waits for the end of an account; a foreign key takes the same.
_LOCKS = {"postgresql": " FOR KEY SHARE", "mysql": " LOCK IN SHARE MODE"}


def source() -> str:
    """Return the FROM and the rest of a SELECT that has one row while the caller's account lives.

    Its one parameter is the caller's id.
    """
    return _source(connection.vendor)


def still_there() -> str:
    """Return a subquery that is the caller's id, or NULL once the account has ended.

    Its one parameter is that id.
    """
    return f"(SELECT id {source()})"  # nosec B608


@lru_cache
def _source(vendor: str) -> str:
    users = connection.ops.quote_name(get_user_model()._meta.db_table)
    return f"FROM {users} WHERE id = %s AND is_active{_LOCKS.get(vendor, '')}"
