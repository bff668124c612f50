"""What must leave the process is a row first, and leaves after the commit.

``put`` writes the row in the transaction of what it reports. After the commit it is delivered
in the background of this process, or a worker is nudged through the broker; whatever fails, or
was left by a process that died, is taken up by the sweep (``deliver_due``). The row is the truth:
a delivery that was cut off is made again.

A delivery holds a lease on its row. ``leased_until`` is also the lease's name: who has lost it
to another cannot note a failure any more.
"""

import logging
import queue
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.db.models import Min, Q
from django.utils import timezone

from shop_backend.kernel import statements, transactions
from shop_backend.kernel.logs import without_secrets
from shop_backend.kernel.models import OutboxMessage

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 10
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)
_BATCH = 10  # rows leased at once; few, because the last waits for the others
_MOST_WAITING = 10_000  # messages in the memory of one process; the sweep has the rest

Handler = Callable[[Mapping[str, Any]], None]
Nudge = Callable[[int], None]
_LEASED_UNTIL = OutboxMessage._meta.get_field("leased_until")
_DUE = (
    "sent_at IS NULL AND dead_at IS NULL AND next_attempt_at <= %s"
    " AND (leased_until IS NULL OR leased_until < %s)"
)
_LEASED = "sent_at IS NULL AND leased_until = %s"
_START = "UPDATE kernel_outboxmessage SET leased_until = %s, attempts = attempts + 1 WHERE id = %s"
_SENT = (
    "UPDATE kernel_outboxmessage SET sent_at = %s, leased_until = NULL, last_error = ''"
    " WHERE id = %s"
)
_handlers: dict[str, Handler] = {}
_nudges: list[Nudge] = []


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
    message = OutboxMessage(kind=kind, payload=dict(payload))
    statements.insert(message)
    transactions.after_commit(_deliver_soon, message.pk)
    return message


def nudge_by(nudge: Nudge) -> None:
    """Say how a worker is told of a new message, with ``OUTBOX_DELIVERY=celery``."""
    _nudges[:] = [nudge]


def deliver_due(*, limit: int = 100, now: datetime | None = None) -> int:
    """Deliver what is due, oldest first; return how many were tried."""
    tried = leased = 0
    while leased < limit:
        pks, lease = transactions.run(partial(_lease_due, min(_BATCH, limit - leased), now))
        if not pks:
            break
        leased += len(pks)
        tried += sum(_deliver_leased(pk, lease, now) for pk in pks)
    return tried


@transactions.forbids_transaction
def deliver(pk: int, *, now: datetime | None = None) -> bool:
    """Deliver one message if it is due and nobody else does; return whether it was tried."""
    started = now or timezone.now()
    moment = _adapted(started)
    return _start(pk, started, f"{_START} AND {_DUE}", [moment, moment])


def send_again(pks: Iterable[int]) -> int:
    """Make dead or waiting messages due now; return how many.

    One that is being delivered at this moment is left alone.
    """
    now = timezone.now()
    return OutboxMessage.objects.filter(_is_free(now), pk__in=list(pks), sent_at=None).update(
        dead_at=None, attempts=0, next_attempt_at=now, leased_until=None
    )


def delete_delivered(*, now: datetime, limit: int = 1000) -> int:
    """Delete messages that were delivered long ago, oldest first; return how many."""
    before = now - timedelta(days=settings.MESSAGES_KEPT_DAYS)
    old = OutboxMessage.objects.filter(sent_at__lt=before).order_by("sent_at")
    pks = list(old.values_list("pk", flat=True)[:limit])
    return OutboxMessage.objects.filter(pk__in=pks).delete()[0]


def _is_free(now: datetime) -> Q:
    return Q(leased_until=None) | Q(leased_until__lt=now)


def _adapted(moment: datetime) -> Any:
    return statements.adapted(_LEASED_UNTIL, moment)


def _lease_due(count: int, now: datetime | None) -> tuple[list[int], datetime]:
    """Lease the next messages; workers at the same work skip each other's, where they can."""
    now = now or timezone.now()
    moment = _adapted(now)
    text = f"SELECT id FROM kernel_outboxmessage WHERE {_DUE} ORDER BY next_attempt_at, id LIMIT %s"  # nosec B608
    rows = statements.read(text + statements.skipping_lock(), [moment, moment, count])
    pks = [pk for (pk,) in rows]
    lease = now + LEASE
    OutboxMessage.objects.filter(pk__in=pks).update(leased_until=lease)
    return pks, lease


@transactions.forbids_transaction
def _deliver_leased(pk: int, lease: datetime, now: datetime | None) -> bool:
    return _start(pk, now or timezone.now(), f"{_START} AND {_LEASED}", [_adapted(lease)])


def _start(pk: int, now: datetime, text: str, guarded: list[Any]) -> bool:
    """Deliver the message if the guard of the text lets it; its lease begins anew."""
    lease = now + LEASE
    if not statements.execute(text, [_adapted(lease), pk, *guarded]):
        return False
    (message,) = statements.fetch(OutboxMessage, id=pk)
    if message.attempts > MAX_ATTEMPTS:  # nobody lived to note the last failures
        _note_failure(message, lease, "The worker ended in the middle of it, again and again.", now)
        return True
    try:
        _handlers[message.kind](message.payload)
    except Exception as error:  # whatever goes wrong, the row says so and stays
        logger.warning("outbox %s failed: %s", message, type(error).__name__)
        _note_failure(message, lease, f"{type(error).__name__}: {error}", now)
    else:
        # Whoever holds the lease by now: it has been delivered.
        statements.execute(_SENT, [_adapted(timezone.now()), pk])
    return True


def _note_failure(message: OutboxMessage, lease: datetime, error: str, now: datetime) -> None:
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(message.attempts, 12))
    is_over = message.attempts >= MAX_ATTEMPTS
    if is_over:
        logger.error("outbox %s is given up", message)
    OutboxMessage.objects.filter(pk=message.pk, sent_at=None, leased_until=lease).update(
        leased_until=None,
        last_error=without_secrets(error)[:500],
        next_attempt_at=now + pause * (0.5 + random.random() / 2),  # jitter  # nosec B311
        dead_at=now if is_over else None,
    )


def _deliver_soon(pk: int) -> None:
    if settings.OUTBOX_DELIVERY == "inline":
        deliver(pk)
    elif settings.OUTBOX_DELIVERY == "thread":
        _courier.send(deliver, pk)
    elif settings.OUTBOX_DELIVERY == "celery":
        for nudge in _nudges:
            _courier.send(nudge, pk)


class _Courier:
    """One background thread, so that no answer waits for (or tells by its time) a mail."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[Callable[[int], Any], int]] = queue.Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, way: Callable[[int], Any], pk: int) -> None:
        try:
            self._waiting.put_nowait((way, pk))
        except queue.Full:
            logger.warning("outbox #%s was left to the sweep: too many are waiting", pk)
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            way, pk = self._waiting.get()
            close_old_connections()
            try:
                way(pk)
            except Exception as error:  # the row stays due; the sweep takes it up
                logger.warning("outbox #%s was left to the sweep: %s", pk, type(error).__name__)
            finally:
                close_old_connections()


_courier = _Courier()


def age_of_oldest_waiting() -> timedelta | None:
    """Return for how long the oldest message that is due has waited, ``None`` without one."""
    now = timezone.now()
    waiting = OutboxMessage.objects.filter(sent_at=None, dead_at=None, next_attempt_at__lte=now)
    oldest = waiting.aggregate(oldest=Min("created_at"))["oldest"]
    return None if oldest is None else now - oldest
