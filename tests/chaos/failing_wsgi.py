"""The shop's WSGI application, which fails where a request's header says.

``X-Chaos-Die-After: 7`` ends the process (as kill -9 would) right after the request's seventh SQL
statement; ``0`` ends it when all is done and only the answer is missing. Every answer tells in
``X-Chaos-Statements`` how many there were. ``X-Chaos-Raise-At: 7`` raises an error instead of the
seventh statement.

CHAOS_PAUSE_MS lets every change of a stock level take so long, with its transaction open.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from shop_backend.wsgi import application as shop

PAUSE_SECONDS = int(os.environ.get("CHAOS_PAUSE_MS", "0")) / 1000
KILLED = 137


class StatementFailed(Exception):
    """Something nobody foresaw, where a statement should have been."""


class Failpoint:
    """Counts a request's statements; ends the process after one of them, or raises at one."""

    def __init__(self, die_after: int | None, raise_at: int | None) -> None:
        self._die_after, self._raise_at, self.count = die_after, raise_at, 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any
    ) -> Any:
        self.count += 1
        if self.count == self._raise_at:
            raise StatementFailed
        result = execute(sql, params, many, context)
        if self.count == self._die_after:
            os._exit(KILLED)
        if PAUSE_SECONDS and sql.startswith("UPDATE") and "inventory_stocklevel" in sql:
            time.sleep(PAUSE_SECONDS)
        return result

    def answered(self) -> None:
        """End the process if it was to die with everything done."""
        if self._die_after == 0:
            os._exit(KILLED)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    failpoint = Failpoint(
        _number(environ, "HTTP_X_CHAOS_DIE_AFTER"), _number(environ, "HTTP_X_CHAOS_RAISE_AT")
    )

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        failpoint.answered()
        counted = [*headers, ("X-Chaos-Statements", str(failpoint.count))]
        return start_response(status, counted, *rest)

    with connection.execute_wrapper(failpoint):
        answer: Iterable[bytes] = shop(environ, start)
    return answer


def _number(environ: dict[str, Any], name: str) -> int | None:
    return int(environ[name]) if name in environ else None
