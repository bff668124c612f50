"""What must leave the process is a row first, and leaves after the commit.

``put`` writes the row in the transaction of what it reports. After the commit it is delivered
in the background of this process; whatever fails, or was left by a process that died, is taken
up by ``run_worker``. The row is the truth: a delivery that was cut off is made again.
"""

import logging
import queue
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.db.models import F, Q
from django.utils import timezone

from shop_backend.kernel import transactions
from shop_backend.kernel.models import OutboxMessage

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 10
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)

Handler = Callable[[Mapping[str, Any]], None]
_handlers: dict[str, Handler] = {}


def register(table: Mapping[str, Handler]) -> None:
    """Replace the table that says who delivers which kind of message."""
    _handlers.clear()
    _handlers.update(table)


@transactions.requires_transaction
def put(kind: str, payload: Mapping[str, Any]) -> OutboxMessage:
    """Write down that something must leave once this transaction is committed.

    :param kind: a name from ``shop_backend/wiring.py``.
    :param payload: ids and plain values; never a secret.
    """
    if kind not in _handlers:
        raise RuntimeError(f"Nobody delivers {kind!r}; see shop_backend/wiring.py.")
    message = OutboxMessage.objects.create(kind=kind, payload=dict(payload))
    transactions.after_commit(_deliver_soon, message.pk)
    return message


def deliver_due(*, limit: int = 100, now: datetime | None = None) -> int:
    """Deliver what is due, oldest first; return how many were tried."""
    now = now or timezone.now()
    due = OutboxMessage.objects.filter(_is_due(now)).order_by("next_attempt_at", "pk")
    pks = list(due.values_list("pk", flat=True)[:limit])
    return sum(deliver(pk, now=now) for pk in pks)


@transactions.forbids_transaction
def deliver(pk: int, *, now: datetime | None = None) -> bool:
    """Deliver one message if nobody else does; return whether it was tried."""
    now = now or timezone.now()
    claimed = (
        OutboxMessage.objects.filter(pk=pk)
        .filter(_is_due(now))
        .update(leased_until=now + LEASE, attempts=F("attempts") + 1)
    )
    if not claimed:
        return False
    message = OutboxMessage.objects.get(pk=pk)
    try:
        _handlers[message.kind](message.payload)
    except Exception as error:  # whatever goes wrong, the row says so and stays
        logger.warning("outbox %s failed: %s", message, type(error).__name__)
        _note_failure(message, error, now)
    else:
        OutboxMessage.objects.filter(pk=pk).update(
            sent_at=timezone.now(), leased_until=None, last_error=""
        )
    return True


def send_again(pks: Iterable[int]) -> int:
    """Make dead or waiting messages due now; return how many."""
    return OutboxMessage.objects.filter(pk__in=list(pks), sent_at=None).update(
        dead_at=None, attempts=0, next_attempt_at=timezone.now(), leased_until=None
    )


def _is_due(now: datetime) -> Q:
    is_free = Q(leased_until=None) | Q(leased_until__lt=now)
    return Q(sent_at=None, dead_at=None, next_attempt_at__lte=now) & is_free


def _note_failure(message: OutboxMessage, error: Exception, now: datetime) -> None:
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(message.attempts, 12))
    OutboxMessage.objects.filter(pk=message.pk).update(
        leased_until=None,
        last_error=f"{type(error).__name__}: {error}"[:500],
        next_attempt_at=now + pause * (0.5 + random.random() / 2),  # jitter
        dead_at=now if message.attempts >= MAX_ATTEMPTS else None,
    )


def _deliver_soon(pk: int) -> None:
    if settings.OUTBOX_DELIVERY == "inline":
        deliver(pk)
    elif settings.OUTBOX_DELIVERY == "thread":
        _courier.send(pk)


class _Courier:
    """One background thread, so that no answer waits for (or tells by its time) a mail."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, pk: int) -> None:
        self._waiting.put(pk)
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            pk = self._waiting.get()
            close_old_connections()
            try:
                deliver(pk)
            except Exception:  # the row stays due; run_worker takes it up
                logger.exception("outbox #%s was left to the worker", pk)
            finally:
                close_old_connections()


_courier = _Courier()
