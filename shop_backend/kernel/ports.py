"""Questions from a lower app to a higher one.

The asking app declares a Protocol and a ``Port`` of it in its ``ports.py``; who answers is
written in one place, ``shop_backend/wiring.py``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Answerer = TypeVar("Answerer")


class Port(Generic[Answerer]):
    """A question whose answerer is known once the house is wired."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._answerer: Answerer | None = None

    def bind(self, answerer: Answerer) -> None:
        """Name who answers from now on."""
        self._answerer = answerer

    @contextmanager
    def answered_by(self, answerer: Answerer) -> Iterator[None]:
        """Let somebody else answer until the block ends: a test's stand-in for the app above."""
        before, self._answerer = self._answerer, answerer
        try:
            yield
        finally:
            self._answerer = before

    @property
    def answerer(self) -> Answerer:
        """Who answers.

        :raises RuntimeError: nobody was bound: ``wiring.connect`` did not run.
        """
        if self._answerer is None:
            raise RuntimeError(f"Nobody answers the port {self.name}; see shop_backend/wiring.py.")
        return self._answerer
