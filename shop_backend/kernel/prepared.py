"""Statements that PostgreSQL plans once for a connection, instead of each time they are sent.

Planning a read with a few joins takes PostgreSQL several times as long as running it. A text that
is marked as ``Kept`` is prepared when a connection sends it again, and from then on sent by its
name. It is the driver's cursor that does so: above it a statement reads and counts as ever.

It is not for a pooler of transactions (DB_POOLED), behind which another connection is asked for the
name. There a name is unknown, or known already: both end in another try without names. It is never
that of another text, as it is made from the text.
"""

import hashlib
import logging
from typing import Any

import psycopg2.errors
import psycopg2.extensions

logger = logging.getLogger(__name__)

SIGHTINGS = 2  # before it is worth a name
_MOST = 200  # names of a connection
_MOST_SEEN = 1_000
_NUMBERS = range(-(2**31), 2**31)
# The name is not known, or is already; or its columns are others since a migration.
STALE_SQLSTATES = {"26000", "42P05", "0A000"}
_STALE = tuple(psycopg2.errors.lookup(code) for code in sorted(STALE_SQLSTATES))


class Kept(str):
    """A statement with parameters, of which there are few different ones."""

    __slots__ = ()


class Connection(psycopg2.extensions.connection):
    """Knows the names that were given on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names: dict[str, str] = {}
        self.sightings: dict[str, int] = {}
        self.gives_names = True


class Cursor(psycopg2.extensions.cursor):
    """Sends kept statements by their names."""

    connection: Connection
    _told: tuple[str, Any] | None = None  # what was sent by its name

    @property
    def query(self) -> bytes | None:
        """What was sent last, in full: for logs, and for tests that look at it."""
        if self._told is None:
            sent: bytes | None = super().query
            return sent
        return self.mogrify(*self._told)

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  # the driver's name
        self._told = None
        is_kept = type(query) is Kept and self.connection.gives_names
        if not is_kept or not vars or not all(map(_means_the_same, vars)):
            return super().execute(query, vars)
        try:
            name = self.connection.names.get(query) or self._name(query, len(vars))
            self._told = (str(query), vars)
            return super().execute(name or str(query), vars)
        except _STALE:
            self.connection.gives_names = False
            logger.warning("a name of a statement did not fit; is there a pooler? see DB_POOLED")
            if _is_in_transaction(self.connection):
                raise  # it is aborted; whoever began it tries again
        return super().execute(str(query), vars)

    def _name(self, query: str, parameters: int) -> str | None:
        names, sightings = self.connection.names, self.connection.sightings
        if len(sightings) >= _MOST_SEEN:
            sightings.clear()
        seen = sightings[query] = sightings.get(query, 0) + 1
        if seen < SIGHTINGS or len(names) >= _MOST:
            return None
        name = "kept_" + hashlib.blake2b(query.encode(), digest_size=16).hexdigest()
        places = tuple(f"${place}" for place in range(1, parameters + 1))
        super().execute(f"PREPARE {name} AS {query % places}")
        names[query] = f"EXECUTE {name} ({', '.join(['%s'] * parameters)})"
        return names[query]


OPTIONS = {"connection_factory": Connection, "cursor_factory": Cursor}


def _means_the_same(value: Any) -> bool:
    """Return whether a parameter with a type takes the value as a literal would be taken.

    A number that is too great for a column is just not found there; as a parameter it is an error.
    """
    return type(value) is not int or value in _NUMBERS


def _is_in_transaction(connection: Any) -> bool:
    idle = psycopg2.extensions.TRANSACTION_STATUS_IDLE
    return bool(connection.get_transaction_status() != idle)
