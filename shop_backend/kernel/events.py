"""News from a lower app to a higher one, delivered at once and in the same transaction.

Who listens is written in one place, ``shop_backend/wiring.py``. A failing listener rolls the
publisher back: the two happen together or not at all. What the wiring names as recorded is also
a row of ``RecordedEvent``, in that transaction, before anybody hears it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from shop_backend.kernel import statements
from shop_backend.kernel.models import RecordedEvent
from shop_backend.kernel.transactions import requires_transaction

Listeners = Mapping[type, Sequence[Callable[[Any], None]]]

_subscribers: dict[type, tuple[Callable[[Any], None], ...]] = {}
_recorded: dict[type, str] = {}


def subscribe(table: Listeners) -> None:
    """Replace the table of listeners by this one."""
    _subscribers.clear()
    _subscribers.update({event: tuple(listeners) for event, listeners in table.items()})


@contextmanager
def subscribed(table: Listeners) -> Iterator[None]:
    """Let these, and nobody else, hear the events of this table until the block ends.

    For tests: of an app without those above it, or of a listener that fails.
    """
    before = dict(_subscribers)
    subscribe({**before, **table})
    try:
        yield
    finally:
        subscribe(before)


def record(table: Mapping[type, str]) -> None:
    """Replace the table of recorded events by this one.

    :param table: the kind of each, such as ``order.placed``: the event's ``order_id`` names its
        subject.
    """
    _recorded.clear()
    _recorded.update(table)


@requires_transaction
def publish(event: Any) -> None:
    """Record the event if it is a recorded one, and tell every listener of its class in order."""
    if kind := _recorded.get(type(event)):
        _write(kind, event)
    for listener in _subscribers.get(type(event), ()):
        listener(event)


def _write(kind: str, event: Any) -> None:
    subject = kind.partition(".")[0]
    payload = asdict(event)  # an amount becomes its minor units and its currency
    subject_id = payload[f"{subject}_id"]
    statements.insert(
        RecordedEvent(kind=kind, subject=subject, subject_id=subject_id, payload=payload)
    )
