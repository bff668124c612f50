"""When a 503 is no finding: where a database locks itself whole and says when to try again.

SQLite has one writer, and MariaDB gives up one of two who wait for each other; PostgreSQL's shop
answers no 5xx whatever.
"""

from collections.abc import Iterable, Iterator

from tests.chaos.wire import Answer

VENDORS = {"sqlite", "mysql"}
# What the log calls an error and is none: a foreign Host, and a unique constraint that decided
# between two at once, one of whom was refused.
_EXPECTED = ("django.security.DisallowedHost", "a constraint refused the transaction")
_LINE = "Service Unavailable"


def is_busy(answer: Answer, *, vendor: str) -> bool:
    """Return whether this is a database that asks for another try, and may."""
    names = {name.lower() for name in answer.headers}
    is_told = answer.code == "database_busy" and "retry-after" in names
    return vendor in VENDORS and answer.status == 503 and is_told


def faults_of_log(lines: Iterable[str], *, vendor: str, busy: int) -> Iterator[str]:
    """Return the errors of a server's log that should not be there.

    :param busy: the answers of 503 that its callers met, each of them looked at.
    """
    errors = [line for line in lines if " ERROR " in line]
    unavailable = [line for line in errors if _LINE in line]
    if vendor not in VENDORS:
        yield from unavailable
    elif len(unavailable) > busy:
        yield f"{len(unavailable)} times {_LINE} in the log, {busy} answers were database_busy"
    yield from (line for line in errors if not any(word in line for word in (*_EXPECTED, _LINE)))
