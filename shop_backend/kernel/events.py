"""News from a lower app to a higher one, delivered at once and in the same transaction.

Who listens is written in one place, ``shop_backend/wiring.py``. A failing listener rolls the
publisher back: the two happen together or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shop_backend.kernel.transactions import requires_transaction

_subscribers: dict[type, tuple[Callable[[Any], None], ...]] = {}


def subscribe(table: Mapping[type, Sequence[Callable[[Any], None]]]) -> None:
    """Replace the table of listeners by this one."""
    _subscribers.clear()
    _subscribers.update({event: tuple(listeners) for event, listeners in table.items()})


@requires_transaction
def publish(event: object) -> None:
    """Tell every listener of this event's class, in the order of the table."""
    for listener in _subscribers.get(type(event), ()):
        listener(event)
