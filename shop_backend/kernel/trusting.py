"""Reads do without asking first whether the connection still lives.

``CONN_HEALTH_CHECKS`` sends a ``SELECT 1`` before a request's first statement: a round trip more,
to spare those requests an error that come after the database went away. What only reads can be
asked once more instead. Everything else is checked as before.
"""

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from shop_backend.kernel import transactions

_SAFE = {"GET", "HEAD"}


class TrustingMiddleware:
    """Trust the connection for a GET, and answer it again where that was a mistake."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        database: Any = connection  # its stubs do not know the flag
        is_new = database.connection is None or database.health_check_done
        if request.method not in _SAFE or is_new or database.in_atomic_block:
            return self.get_response(request)
        database.health_check_done = True
        was_lost = False

        def watch(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal was_lost
            try:
                return execute(*args)
            except (OperationalError, InterfaceError) as error:
                was_lost = was_lost or transactions.is_lost_connection(error)
                raise

        with connection.execute_wrapper(watch):
            response = self.get_response(request)
        if was_lost:
            database.close()
            response = self.get_response(request)
        return response
