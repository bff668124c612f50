"""Answers kept in this process's memory, the longest unused dropped first."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class RememberedAnswers(Generic[T]):
    """A mapping that never takes more than so many bytes; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self.bytes = 0

    def get(self, key: Hashable) -> T | None:
        """Return what is kept under that key."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Hashable, answer: T, *, size: int, most: int) -> None:
        """Keep an answer of that size, and in all at most that many bytes."""
        with self._lock:
            self._drop(key)
            if size > most:
                return
            self._kept[key] = answer, size
            self.bytes += size
            while self.bytes > most:
                self._drop(next(iter(self._kept)))

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def _drop(self, key: Hashable) -> None:
        _, size = self._kept.pop(key, (None, 0))
        self.bytes -= size
