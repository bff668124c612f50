"""Does a door tell a known name from an unknown one, by text, size or time?

For each door two kinds of names are sent in random order over one connection: known and unknown.
All answers must be the same bytes. Of the times the best guesser there is, which calls the slower
answer known (or the faster), is judged by the area under its ROC curve: 0.5 is chance. A door
tells something by time if two runs on fresh names both have a 95 % interval wholly on the same
side of chance.
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from tests.security.crowd import forwarded_for

Address = tuple[str, int]
Body = Mapping[str, Any]
# What differs between any two answers.
_HEADERS_OF_THE_MOMENT = {"date", "x-request-id", "ratelimit-reset"}
_Z = 1.96  # of a 95 % interval
WARM_UP = 10


@dataclass(frozen=True)
class Door:
    """A path, and what is sent there for a name: a login name, or an address."""

    title: str
    path: str
    body: Callable[[str], Body]


def doors() -> list[Door]:
    """Return every door that must not tell, on both faces."""
    asking = {
        "resend-otp": "/accounts/resend-otp/",
        "forgot-password": "/accounts/forgot-password/",
        "request-reset-email": "/accounts/request-reset-email/",
        "forgot_password": "/forgot_password/",
        "Djoser reset_password": "/auth/users/reset_password/",
        "Djoser resend_activation": "/auth/users/resend_activation/",
    }
    entering = {
        "login": "/accounts/login/",
        "token": "/accounts/token/",
        "Djoser jwt/create": "/auth/jwt/create/",
    }
    made = []
    for prefix in ("/api", ""):
        face = "envelope" if prefix else "plain"
        for name, path in entering.items():
            made.append(Door(f"{name}, {face}", f"{prefix}{path}", _wrong_password))
        for name, path in asking.items():
            made.append(Door(f"{name}, {face}", f"{prefix}{path}", _address))
        made.append(Door(f"verify-otp, {face}", f"{prefix}/accounts/verify-otp/", _guess))
        made.append(Door(f"reset-password, {face}", f"{prefix}/accounts/reset-password/", _guess))
    return made


def _wrong_password(name: str) -> Body:
    return {"username": name, "password": "not the right horse"}


def _address(name: str) -> Body:
    return {"email": name}


def _guess(name: str) -> Body:
    return {"email": name, "otp": "000000", "new_password": "a lantern and a ladder"}


@dataclass(frozen=True)
class Interval:
    """The area under the ROC curve of a guesser by time, with its 95 % interval."""

    area: float
    low: float
    high: float

    @property
    def side(self) -> int:
        """1: known names are slower; -1: faster; 0: as good as chance."""
        return (self.low > 0.5) - (self.high < 0.5)

    def __str__(self) -> str:
        return f"{self.area:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass
class Finding:
    """What one door told."""

    door: str
    samples: int
    answers: int = 0
    runs: list[Interval] = field(default_factory=list)

    @property
    def tells_by_bytes(self) -> bool:
        return self.answers != 1

    @property
    def tells_by_time(self) -> bool:
        sides = [run.side for run in self.runs]
        return len(sides) > 1 and abs(sum(sides)) == len(sides)

    @property
    def is_silent(self) -> bool:
        return not self.tells_by_bytes and not self.tells_by_time

    def as_row(self) -> list[str]:
        """Return door, samples, answers, areas and verdict as texts."""
        told = [word for word, is_so in self._words() if is_so]
        areas = ", ".join(map(str, self.runs))
        return [
            self.door,
            str(self.samples),
            str(self.answers),
            areas,
            " and ".join(told) or "nothing",
        ]

    def _words(self) -> Iterator[tuple[str, bool]]:
        yield "bytes", self.tells_by_bytes
        yield "time", self.tells_by_time


Names = Callable[[int], tuple[Sequence[str], Sequence[str]]]


def look(address: Address, door: Door, names: Names, *, samples: int, seed: int) -> Finding:
    """Ask a door about so many known and so many unknown names, again if the times differ.

    :param names: gives that many known and unknown names, new ones at each call.
    """
    # Of each door its own: a name that another door was asked about is to wait.
    finding, chance = Finding(door.title, samples), random.Random(f"{seed} {door.title}")
    seen: set[Any] = set()
    for _ in range(2):
        known, unknown = names(samples)
        times = _ask(address, door, known, unknown, chance, seen)
        finding.runs.append(area_under_curve(times[True], times[False]))
        if finding.runs[-1].side == 0:
            break
    finding.answers = len(seen)
    return finding


def _ask(
    address: Address,
    door: Door,
    known: Sequence[str],
    unknown: Sequence[str],
    chance: random.Random,
    seen: set[Any],
) -> dict[bool, list[float]]:
    line = HTTPConnection(*address, timeout=60)
    tries = [(True, name) for name in known] + [(False, name) for name in unknown]
    chance.shuffle(tries)
    warming = [(False, f"warm-{chance.getrandbits(64):x}@example.com") for _ in range(WARM_UP)]
    times: dict[bool, list[float]] = {True: [], False: []}
    for number, (is_known, name) in enumerate([*warming, *tries]):
        body = json.dumps(door.body(name))
        headers = {"Content-Type": "application/json", "X-Forwarded-For": forwarded_for()}
        began = time.perf_counter()
        line.request("POST", door.path, body, headers)
        answer = line.getresponse()
        content = answer.read()
        seconds = time.perf_counter() - began
        told = frozenset(
            (name.lower(), value)
            for name, value in answer.getheaders()
            if name.lower() not in _HEADERS_OF_THE_MOMENT
        )
        seen.add((answer.status, content, told))
        if number >= WARM_UP:
            times[is_known].append(seconds)
    line.close()
    return times


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> Interval:
    """Return the chance that a positive is the larger, by Mann and Whitney.

    The interval is that of Hanley and McNeil (Radiology 143, 1982).
    """
    ranked = sorted([(value, 1) for value in positives] + [(value, 0) for value in negatives])
    rank_sum, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        middle = (at + 1 + end) / 2  # ties share their ranks
        rank_sum += middle * sum(is_positive for _, is_positive in ranked[at:end])
        at = end
    m, n = len(positives), len(negatives)
    area = (rank_sum - m * (m + 1) / 2) / (m * n)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)
    error = math.sqrt(max(variance, 0) / (m * n))
    return Interval(area, area - _Z * error, area + _Z * error)
