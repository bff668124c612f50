"""A neighbour that did not answer is left alone for a moment, so that nobody else waits for it."""

import logging
import time

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0


class Breaker:
    """Each process's own knowledge of one neighbour; threads share it."""

    def __init__(self, name: str, *, instead: str) -> None:
        """Take the neighbour's name, and what happens without it, for the log."""
        self._name, self._instead = name, instead
        self._until = 0.0
        self._is_away = False

    @property
    def is_open(self) -> bool:
        """Whether the neighbour is not to be asked now."""
        return time.monotonic() < self._until

    def note_failure(self, error: Exception) -> None:
        """Leave the neighbour alone for ``PAUSE_SECONDS``; the first failure is logged."""
        self._until = time.monotonic() + PAUSE_SECONDS
        if not self._is_away:
            self._is_away = True
            logger.warning("%s does not answer: %s. %s.", self._name, error, self._instead)

    def note_success(self) -> None:
        """Say in the log that the neighbour is back, if it was away."""
        if self._is_away:
            self._is_away, self._until = False, 0.0
            logger.warning("%s answers again.", self._name)

    def reset(self) -> None:
        """Know nothing."""
        self._is_away, self._until = False, 0.0
