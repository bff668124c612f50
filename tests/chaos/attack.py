"""What an attack is: something prepared, fired at once, and judged by what is in the books."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tests.chaos import wire
from tests.chaos.server import Server
from tests.chaos.shop import Shop


@dataclass
class Round:
    """What one round came to: the answers counted, and each thing that must not have been."""

    answers: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class Attack:
    """One round each time ``run`` is called; the shop's goods are new in each.

    ``naive`` names the careless variant of the server (``tests/chaos/naive``) at which it must
    succeed, else it proves nothing.

    While one attack is fired, the next is prepared and the last is judged; nothing else is fired.
    """

    name: ClassVar[str]
    sentence: ClassVar[str]
    naive: ClassVar[str]
    # Variants of an attack share its turns: turns from one round to the next, and which.
    every: ClassVar[int] = 1
    turn: ClassVar[int] = 0

    def __init__(self, shop: Shop, server: Server) -> None:
        self.shop, self.server, self.address = shop, server, server.address

    @classmethod
    def is_due(cls, turn: int) -> bool:
        """Return whether a round is fired in this turn; in the first one all are."""
        return turn == 1 or turn % cls.every == cls.turn % cls.every

    def prepare(self) -> list[wire.Request]:
        """Lay out the goods and return what is released together."""
        raise NotImplementedError

    def fire(self, requests: Sequence[wire.Request]) -> list[wire.Answer]:
        """Release the requests, with no other attack's under way."""
        with self.server.field:
            return wire.release_together(self.address, requests)

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        """Return what is wrong now, as sentences; nothing if all is well."""
        raise NotImplementedError

    def run(self) -> Round:
        """Make one round."""
        answers = self.fire(self.prepare())
        return Round(Counter(map(label, answers)), self.judge(answers))


class Drill(Attack):
    """Lasts longer than a round; does what ``size`` asks for, or what there is time for."""

    naive = ""
    unit: ClassVar[str] = ""  # what size counts
    weight: ClassVar[int] = 1  # its share of the time of all drills
    counts_deadlocks: ClassVar[bool] = True
    size = 1
    until = math.inf  # by time.time(); nothing new is begun after it
    done: int = 0  # of the size

    @property
    def is_complete(self) -> bool:
        """Whether all was done that was asked for."""
        return self.done >= self.size

    @property
    def extent(self) -> str:
        """How much of it was done, for the table."""
        return f"{self.done} of {self.size} {self.unit}"


def label(answer: wire.Answer) -> str:
    """Return how an answer is counted: its status, and for a refusal its code."""
    if answer.status == 503 and "Retry-After" not in answer.headers:
        return "503 without Retry-After"
    return f"{answer.status} {answer.code}".strip()


def count_of(answers: Sequence[wire.Answer], status: int) -> int:
    """Return how many of the answers have this status."""
    return sum(answer.status == status for answer in answers)


def expect_true(what: str, found: object) -> list[str]:
    """Return a violation unless it is so."""
    return [] if found else [f"{what}: not so"]


def expect(what: str, found: object, wanted: object) -> list[str]:
    """Return a violation unless what was found is what was wanted."""
    return [] if found == wanted else [f"{what}: {found} instead of {wanted}"]
