"""How many passwords a process works on at once.

Hashing one takes a processor for about 20 ms and 19 MiB on purpose. A storm of logins would take
every thread of a process, and nobody else's request would be answered. So there are a few places
in line; who finds none free is refused at once, at next to no cost, before anything is counted
or read.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from accounts.errors import PasswordsBusy

# Of those in line one hashes at a time, so that a process never takes more than one core for it.
turn = threading.Lock()
_holding = threading.local()


class _Line:
    """The places; how many there are is asked each time."""

    def __init__(self) -> None:
        self._lock, self._taken = threading.Lock(), 0

    def enter(self) -> bool:
        """Take a place; return whether there was one."""
        with self._lock:
            if self.is_full():
                return False
            self._taken += 1
            return True

    def is_full(self) -> bool:
        """Return whether there is no place at this moment."""
        return self._taken >= settings.PASSWORDS_AT_ONCE

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            self._taken -= 1


_line = _Line()


@contextmanager
def place_in_line(*, is_at_the_door: bool = False) -> Iterator[None]:
    """Hold a place for work on passwords; whoever holds one already needs no other.

    :param is_at_the_door: nothing was done with the request yet, so all are refused alike.
    :raises PasswordsBusy: there is none free; nothing was done.
    """
    if getattr(_holding, "has_place", False):
        yield
        return
    if not _line.enter():
        raise PasswordsBusy(holds=_line.is_full if is_at_the_door else None)
    _holding.has_place = True
    try:
        yield
    finally:
        _holding.has_place = False
        _line.leave()


@contextmanager
def past_the_line() -> Iterator[None]:
    """Work on passwords without a place: staff at their site are few, and wait for their turn."""
    had_place = getattr(_holding, "has_place", False)
    _holding.has_place = True
    try:
        yield
    finally:
        _holding.has_place = had_place
