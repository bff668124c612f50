"""Transactions: a use case opens one, a building block demands one.

``run`` repeats a whole transaction when the database asks for it (deadlock, serialization
failure, lock timeout, SQLite busy): never a part of one, and never inside another.
"""

import logging
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from django.db import (
    DatabaseError,
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

from shop_backend.kernel import prepared
from shop_backend.kernel.errors import ConcurrentChange, DatabaseBusy, ShopError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 4  # the first and three more
_PAUSE_SECONDS = 0.02
# PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
_RETRY_SQLSTATES = {"40001", "40P01", "55P03"} | prepared.STALE_SQLSTATES
# MySQL and MariaDB: deadlock, lock wait timeout, record changed since last read.
_RETRY_ERRNOS = {1213, 1205, 1020}
# PostgreSQL's classes and codes of a server that is not there, is going, or takes no more.
_LOST_SQLSTATES = ("08", "57P01", "57P02", "57P03", "53300")
# MySQL and MariaDB: too many connections, cannot connect, gone away, lost in a query.
_LOST_ERRNOS = {1040, 2002, 2003, 2006, 2013, 2055}

# What the transaction of ``run`` that we are in does last.
_closing: ContextVar[list[Callable[[], object]] | None] = ContextVar("closing", default=None)


def run(
    work: Callable[[], R],
    *,
    recover: Callable[[ShopError], bool] | None = None,
) -> R:
    """Run ``work`` in a durable transaction of its own and return its result.

    :param recover: asked once about a refusal, after the rollback; ``True`` means that the
        cause may be gone and the work deserves one more try.
    :raises DatabaseBusy: the database asked for another try too often.
    """
    try:
        return _run_with_retry(work)
    except ShopError as refusal:
        if recover is None or not recover(refusal):
            raise
    return _run_with_retry(work)


def run_statement(work: Callable[[], R]) -> R:
    """Run ``work``, which is one statement and so a transaction by itself; otherwise as ``run``."""
    return _run_with_retry(work, once=_run_alone)


def use_case(function: Callable[P, R]) -> Callable[P, R]:
    """Give a service its transaction: the caller's if there is one, else ``run``'s."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if in_transaction():
            return function(*args, **kwargs)
        return run(partial(function, *args, **kwargs))

    return wrapped


def requires_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse to run outside a transaction: what this block does must stand or fall with more."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if not connection.in_atomic_block:
            raise RuntimeError(f"{function.__qualname__} needs a transaction around it.")
        return function(*args, **kwargs)

    return wrapped


def forbids_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse to run inside a transaction: for everything that talks to the network."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if in_transaction():
            raise RuntimeError(f"{function.__qualname__} must not run inside a transaction.")
        return function(*args, **kwargs)

    return wrapped


def in_transaction() -> bool:
    """Return whether the caller stands in a transaction (a test's own wrapper apart)."""
    # Django marks the atomic blocks that its TestCase wraps around a test.
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def after_commit(function: Callable[..., Any], *args: Any) -> None:
    """Call the function once this transaction has been committed; never if it is not."""
    transaction.on_commit(partial(function, *args))


def do_last(function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    """Call the function as the last thing that ``run``'s transaction does before its commit.

    For rows that others wait for: they wait from there to the commit. What it raises rolls all
    back. In a transaction that ``run`` has not opened it is called at once.
    """
    closing = _closing.get()
    if closing is None:
        function(*args, **kwargs)
    else:
        closing.append(partial(function, *args, **kwargs))


def _run_once(work: Callable[[], R]) -> R:
    closing: list[Callable[[], object]] = []
    with transaction.atomic(durable=True):
        token = _closing.set(closing)
        try:
            result = work()
            for step in closing:
                step()
        finally:
            _closing.reset(token)
    return result


def _run_alone(work: Callable[[], R]) -> R:
    return work()


def _run_with_retry(
    work: Callable[[], R], *, once: Callable[[Callable[[], R]], R] | None = None
) -> R:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return (once or _run_once)(work)
        except IntegrityError as error:
            # What a use case foresees it catches itself. This is a row that vanished under it:
            # foreign keys are checked at the commit.
            logger.exception("a constraint refused the transaction")
            raise ConcurrentChange from error
        except DatabaseError as error:
            if not is_retryable(error):
                raise
            if attempt == ATTEMPTS:
                raise DatabaseBusy from error
            time.sleep(_PAUSE_SECONDS * 2**attempt * random.random())  # jitter  # nosec B311
    raise AssertionError("unreachable")


def is_retryable(error: DatabaseError) -> bool:
    """Return whether the database asks for the whole transaction to be tried again."""
    cause = error.__cause__
    if getattr(cause, "pgcode", None) in _RETRY_SQLSTATES:
        return True
    if cause is not None and cause.args and cause.args[0] in _RETRY_ERRNOS:
        return True
    return "database is locked" in str(error) or "database table is locked" in str(error)


def is_lost_connection(error: Error) -> bool:
    """Return whether the database could not be reached, or went away in the middle."""
    if connection.vendor == "sqlite":
        return False  # a file is there, or the shop is not
    if isinstance(error, InterfaceError):  # used after it was closed: the first error said why
        return True
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    if connection.vendor == "postgresql":
        # A server that vanished leaves no code.
        sqlstate = getattr(cause, "pgcode", None)
        return sqlstate is None or sqlstate.startswith(_LOST_SQLSTATES)
    return bool(cause is not None and cause.args and cause.args[0] in _LOST_ERRNOS)
