"""How long the database may think about one query, where it can be told."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction

_POSTGRESQL_CANCELED = "57014"
# MariaDB's ER_STATEMENT_TIMEOUT, MySQL's ER_QUERY_TIMEOUT.
_MYSQL_CANCELED = {1969, 3024}


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Let the database end each statement within that takes longer; SQLite cannot, and does not.

    :param seconds: ``None`` for no limit.
    """
    if seconds is None or connection.vendor not in {"postgresql", "mysql"}:
        yield
    elif connection.vendor == "postgresql":
        # LOCAL: behind a pooler a session's setting would stay with a stranger.
        with transaction.atomic():
            _execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield
            _execute("SET LOCAL statement_timeout = DEFAULT")
    else:
        is_mariadb = getattr(connection, "mysql_is_mariadb", True)
        name = "max_statement_time" if is_mariadb else "max_execution_time"
        _execute(f"SET SESSION {name} = {seconds if is_mariadb else int(seconds * 1000)}")
        try:
            yield
        finally:
            _execute(f"SET SESSION {name} = DEFAULT")


def is_out_of_time(error: DatabaseError) -> bool:
    """Return whether it was the limit that ended the statement."""
    cause = error.__cause__
    if getattr(cause, "pgcode", None) == _POSTGRESQL_CANCELED:
        return True
    return bool(cause is not None and cause.args and cause.args[0] in _MYSQL_CANCELED)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
