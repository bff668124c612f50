"""Who only looks: strangers at the catalogue, and a manager at her own changes."""

import itertools
import random
import statistics
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tests.chaos import wire
from tests.chaos.attack import label
from tests.chaos.shop import Person
from tests.scale.machines import MAX_LAG_SECONDS

_LIST, _CATEGORIES = "/api/catalog/products/?page_size=20", "/api/catalog/categories/"
# A replica may lag, and go on to lag until the next look at it; the rest is the machine's slowness.
_SEEN_WITHIN_SECONDS = MAX_LAG_SECONDS + 2 + 5
_TIMEOUT_SECONDS = 20


def ask(addresses: Sequence[wire.Address], request: wire.Request) -> wire.Answer:
    """Ask any of the servers, and another where that one is not there."""
    answer = wire.NO_ANSWER
    for address in random.sample(addresses, len(addresses)):
        answer = wire.call(address, request, timeout_seconds=_TIMEOUT_SECONDS)
        if answer.status:
            break
    return answer


class Browsers:
    """Strangers who read the catalogue without a pause."""

    def __init__(self, addresses: Sequence[wire.Address], count: int) -> None:
        self._addresses, self._count = addresses, count
        self._phase = ""
        self._lock = threading.Lock()
        self.statuses: Counter[str] = Counter()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._refused: Counter[str] = Counter()

    def threads(self, is_over: threading.Event) -> list[threading.Thread]:
        """Return a thread for each of them."""
        return [threading.Thread(target=self._browse, args=[is_over]) for _ in range(self._count)]

    def begin(self, phase: str) -> None:
        """Count what is read from now on under that name."""
        self._phase = phase

    def count(self, phase: str) -> int:
        """Return how many reads were answered in that phase."""
        return len(self._seconds[phase])

    def worst(self, phase: str | None = None) -> float:
        """Return the longest read, in seconds."""
        phases = [phase] if phase else list(self._seconds)
        return max((max(self._seconds[each], default=0.0) for each in phases), default=0.0)

    def violations(self) -> list[str]:
        """Return what was not answered with 200."""
        return [f"reads of the catalogue: {what} {n} times" for what, n in self._refused.items()]

    def _browse(self, is_over: threading.Event) -> None:
        pages = itertools.cycle([_LIST, f"{_LIST}&ordering=price", f"{_LIST}&page=2", _CATEGORIES])
        for path in pages:
            if is_over.is_set():
                return
            phase, started = self._phase, time.monotonic()
            answer = ask(self._addresses, wire.Request("GET", path))
            with self._lock:
                self._seconds[phase].append(time.monotonic() - started)
                self.statuses[label(answer)] += 1
                if answer.status != 200:
                    self._refused[f"{label(answer)} while {phase}"] += 1
            time.sleep(0.01)


class Manager:
    """Changes a price and looks at it: at once herself, and until a stranger sees it."""

    def __init__(self, addresses: Sequence[wire.Address], manager: Person, product: int) -> None:
        self._addresses, self._manager = addresses, manager
        self._path = f"/api/catalog/products/{product}/"
        self.changes = 0
        self._lags: list[float] = []
        self._wrong: list[str] = []

    def work(self, is_over: threading.Event) -> None:
        """Change one price after the other."""
        for minor in itertools.count(2000):
            if is_over.is_set():
                return
            price = f"{minor // 100}.{minor % 100:02}"
            changed = ask(
                self._addresses, self._manager.patch(f"{self._path[4:]}", {"price": price})
            )
            if changed.status == 200:
                self.changes += 1
                self._look(price, time.monotonic())
            time.sleep(0.2)

    def lags(self) -> dict[str, Any]:
        """Return how long strangers saw the old price."""
        if not self._lags:
            return {}
        return {
            "median": round(statistics.median(self._lags), 3),
            "longest": round(max(self._lags), 3),
        }

    def violations(self) -> list[str]:
        """Return what was shown that must not be."""
        return [*self._wrong, *([] if self._lags else ["no change of a price was ever seen"])]

    def _look(self, price: str, changed: float) -> None:
        own = ask(self._addresses, wire.Request("GET", self._path, token=self._manager.token))
        if own.status == 200 and own.payload["price"] != price:
            self._wrong.append(f"her own change was not shown: {own.payload['price']}, not {price}")
        while time.monotonic() < changed + _SEEN_WITHIN_SECONDS:
            seen = ask(self._addresses, wire.Request("GET", self._path))
            if seen.status == 200 and seen.payload["price"] == price:
                self._lags.append(time.monotonic() - changed)
                return
            time.sleep(0.01)
        self._wrong.append(f"a stranger did not see {price} for {_SEEN_WITHIN_SECONDS} s")
