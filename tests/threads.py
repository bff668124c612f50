"""Work for a thread of a test."""

from collections.abc import Callable

from django.db import connection


def closing(work: Callable[[], object]) -> Callable[[], None]:
    """Return the work with its thread's connection closed at the end."""

    def wrapped() -> None:
        try:
            work()
        finally:
            connection.close()

    return wrapped
