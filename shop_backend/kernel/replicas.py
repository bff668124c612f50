"""Reads from a streaming replica, for those requests that may see the shop a moment late.

A request reads from the replica if its view says so (``may_read_replica``), it is a GET or HEAD,
it stands outside a transaction, and whoever asks has not written anything just now; and of the
tables, only those of the apps in ``DB_REPLICA_APPS``. Everything else is the primary's: all
writes, and all reads that decide anything. Without ``DB_REPLICA_HOST`` everything is.

Within one request reads never go back from the primary to the replica: what is remembered of the
catalogue under a version must not be older than that version. For the same reason a process that
remembers which version it has seen last remembers it for each ``reading_alias()`` by itself.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    InterfaceError,
    OperationalError,
    connection,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from shop_backend.kernel import shared, transactions
from shop_backend.kernel.breaker import Breaker

ALIAS = "replica"
CHECK_SECONDS = 2.0
_SAFE = {"GET", "HEAD"}
_UNAVAILABLE = 503
_UNBOUNDED_OWN_WRITE_SECONDS = 60

# How old the last commit is that it has replayed; NULL on a server that is no replica.
_LAG = """
SELECT EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())
WHERE pg_is_in_recovery()
"""
# The smallest thing that is a commit: so a shop where nobody writes does not look like a replica
# that lags.
_HEARTBEAT = "SELECT pg_current_xact_id()"


def reading_alias() -> str:
    """Return the name of the database that the request of this moment reads from."""
    choice = _choice.get()
    return DEFAULT_DB_ALIAS if choice is None else choice.alias()


def reading_connection() -> BaseDatabaseWrapper:
    """Return the connection for SQL of ours that reads the tables of ``DB_REPLICA_APPS``."""
    alias = reading_alias()
    return connections[alias]


def own_write_seconds() -> int:
    """Return how long an account that has written something reads from the primary."""
    most: int = settings.DB_REPLICA_MAX_LAG_SECONDS
    return most + 5 if most else _UNBOUNDED_OWN_WRITE_SECONDS


class ReplicaRouter:
    """Where Django's models are read and written."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        if model._meta.app_label in settings.DB_REPLICA_APPS:
            return reading_alias()
        return DEFAULT_DB_ALIAS

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        return True  # one database, seen twice

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


class ReplicaMiddleware:
    """Choose for each request; where one of the two fails under it, the other is asked again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.DB_REPLICA_HOST:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with _choosing() as choice:
            response = self.get_response(request)
            if choice.has_failed:  # a GET: nothing was done that would be done twice
                choice.stay_on_primary()
                response = self.get_response(request)
            elif response.status_code == _UNAVAILABLE and choice.was_primary_instead:
                choice.insist_on_replica()
                response = self.get_response(request)
        if request.method not in _SAFE and request.user.is_authenticated:
            shared.mark(_mark(request), seconds=own_write_seconds())
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> None:
        may_lag = getattr(getattr(view, "cls", None), "may_read_replica", False)
        choice = _choice.get()
        if may_lag and choice is not None and request.method in _SAFE:
            choice.offer_replica(request)


class _Choice:
    """Where one request reads; decided at its first read, when it is known who asks."""

    def __init__(self, leaving: contextlib.ExitStack) -> None:
        self._leaving = leaving
        self._request: HttpRequest | None = None
        self._alias: str | None = DEFAULT_DB_ALIAS
        self._insists = False
        self.has_failed = False

    @property
    def was_primary_instead(self) -> bool:
        """Whether the request could have read from the replica, and did not."""
        return self._request is not None and self._alias == DEFAULT_DB_ALIAS

    def insist_on_replica(self) -> None:
        """Let the next run read from the replica, in whatever state it was last seen."""
        self._insists = True

    def offer_replica(self, request: HttpRequest) -> None:
        if not self.has_failed:
            self._request, self._alias = request, None

    def stay_on_primary(self) -> None:
        self._alias = DEFAULT_DB_ALIAS

    def alias(self) -> str:
        if self._alias == DEFAULT_DB_ALIAS or transactions.in_transaction():
            self._alias = DEFAULT_DB_ALIAS
        elif self._alias is None:
            # While it is being decided, what the decision itself reads is the primary's.
            self._alias, request = DEFAULT_DB_ALIAS, self._request
            is_usable = replica.is_reachable if self._insists else replica.is_usable
            if request is not None and _may_lag(request) and is_usable():
                self._alias = ALIAS
                self._leaving.enter_context(connections[ALIAS].execute_wrapper(self._watch))
        return self._alias

    def _watch(self, execute: Callable[..., Any], *args: Any) -> Any:
        try:
            return execute(*args)
        except (OperationalError, InterfaceError) as error:
            self.has_failed = True
            if transactions.is_lost_connection(error):
                replica.breaker.note_failure(error)
            raise


_choice: ContextVar[_Choice | None] = ContextVar("replica_choice", default=None)


@contextlib.contextmanager
def _choosing() -> Iterator[_Choice]:
    with contextlib.ExitStack() as leaving:
        choice = _Choice(leaving)
        token = _choice.set(choice)
        try:
            yield choice
        finally:
            _choice.reset(token)


def _may_lag(request: HttpRequest) -> bool:
    """Return whether it does not matter to this caller that a commit is shown a moment late."""
    forced = getattr(request, "_force_auth_user", None)  # as DRF's tests sign in
    if "HTTP_AUTHORIZATION" not in request.META and forced is None:
        return True
    if not request.user.is_authenticated:
        return False
    return shared.is_marked(_mark(request)) is False  # where nobody knows, it might have


def _mark(request: HttpRequest) -> str:
    return f"wrote:{request.user.pk}"


class _Replica:
    """What this process knows of the replica."""

    def __init__(self) -> None:
        self.breaker = Breaker("The replica", instead="The primary answers for it")
        self._lock = threading.Lock()
        self._next_check = 0.0
        self._keeps_up = False

    def is_usable(self) -> bool:
        """Return whether it answers, and was within ``DB_REPLICA_MAX_LAG_SECONDS`` just now."""
        if self.breaker.is_open or not self._answers(self._check_if_due):
            return False
        return self._keeps_up and self.is_reachable()

    def is_reachable(self) -> bool:
        """Return whether it lets itself be connected to, whatever was known of it."""
        return self._answers(_connect)

    def _answers(self, ask: Callable[[], None]) -> bool:
        try:
            ask()
        except (OperationalError, InterfaceError) as error:
            connections[ALIAS].close()
            self.breaker.note_failure(error)
            self._next_check = 0.0
            return False
        self.breaker.note_success()
        return True

    def forget(self) -> None:
        """Know nothing, as a new process does."""
        self.breaker.reset()
        self._next_check, self._keeps_up = 0.0, False

    def _check_if_due(self) -> None:
        if time.monotonic() < self._next_check or not self._lock.acquire(blocking=False):
            return
        try:
            lag = _lag()
            # The others need not wait for the primary, which may be away.
            self._keeps_up = lag is not None and lag <= settings.DB_REPLICA_MAX_LAG_SECONDS
            if lag is not None and not _beat():
                self._keeps_up = True  # nobody can see anything newer
            # One that seems to lag may only have had nothing to replay: the heartbeat will tell.
            self._next_check = time.monotonic() + CHECK_SECONDS / (1 if self._keeps_up else 4)
        finally:
            self._lock.release()


replica = _Replica()


def _connect() -> None:
    """Connect if need be, as the first statement of the request would."""
    connections[ALIAS].close_if_health_check_failed()
    connections[ALIAS].ensure_connection()


def _lag() -> float | None:
    """Return how many seconds behind it is, if that is asked for; ``None``: it is no replica.

    A replica that has not replayed anything yet is endlessly far behind.
    """
    if not settings.DB_REPLICA_MAX_LAG_SECONDS:
        return 0.0
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(_LAG)
        row = cursor.fetchone()
    if row is None:
        return None
    return math.inf if row[0] is None else float(row[0])


def _beat() -> bool:
    """Return whether the primary answers; give the replica something to replay."""
    if not settings.DB_REPLICA_MAX_LAG_SECONDS:
        return True
    try:
        with connection.cursor() as cursor:
            cursor.execute(_HEARTBEAT)
    except Error:
        connection.close()
        return False
    return True
