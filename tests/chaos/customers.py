"""Customers who buy, and ask again with their key until they have an answer."""

import queue
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from catalog.models import Variant
from tests.chaos import wire
from tests.chaos.attack import label
from tests.chaos.shop import Person

_PAUSE_SECONDS = 0.1


@dataclass
class Purchase:
    """One order that somebody wants and pays; ``number`` and ``is_paid`` as acknowledged."""

    buyer: Person
    variant: Variant
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    number: str = ""
    is_paid: bool = False

    def next_request(self) -> wire.Request:
        """Return what the customer sends next: the order, then its payment."""
        if not self.number:
            return self.buyer.buy((self.variant, 1), key=self.key, note=self.key)
        body = {"order_id": self.number, "payment_method": "pm_card_visa"}
        return self.buyer.post("/payments/", body, key=f"pay-{self.key}")

    def take(self, answer: wire.Answer) -> None:
        """Note what was acknowledged."""
        if answer.status == 201:
            if self.number:
                self.is_paid = True
            else:
                self.number = answer.payload["number"]


class Crowd:
    """Customers in threads, each buying one thing after the other.

    Where there are several addresses each request goes to any of them, as behind a load balancer
    that has not noticed yet which of its servers are down.
    """

    def __init__(self, address: wire.Address, threads: int, *further: wire.Address) -> None:
        self._addresses, self._threads = (address, *further), threads
        self.answers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def finish(self, purchases: Iterable[Purchase], *, seconds: float) -> None:
        """Go on with these purchases until all are paid, or the time is over."""
        waiting: queue.SimpleQueue[Purchase] = queue.SimpleQueue()
        for purchase in purchases:
            waiting.put(purchase)
        deadline = time.monotonic() + seconds
        self._in_threads(lambda: self._work_off(waiting, deadline))

    def keep_buying(self, new: Callable[[], Purchase], until: Callable[[], bool]) -> list[Purchase]:
        """Buy one thing after the other until that is true; return all that was begun."""
        begun: list[Purchase] = []

        def buy() -> None:
            while not until():
                purchase = new()
                begun.append(purchase)
                # What stays open (a dead process's lease) is gone on with later.
                self._advance(purchase, time.monotonic() + 3)

        self._in_threads(buy)
        return begun

    def _work_off(self, waiting: "queue.SimpleQueue[Purchase]", deadline: float) -> None:
        while True:
            try:
                purchase = waiting.get_nowait()
            except queue.Empty:
                return
            self._advance(purchase, deadline)

    def _advance(self, purchase: Purchase, deadline: float) -> None:
        while not purchase.is_paid and time.monotonic() < deadline:
            address = random.choice(self._addresses)
            answer = wire.call(address, purchase.next_request(), timeout_seconds=30)
            with self._lock:
                self.answers[label(answer)] += 1
            purchase.take(answer)
            if answer.status != 201:
                time.sleep(_PAUSE_SECONDS)

    def _in_threads(self, work: Callable[[], None]) -> None:
        threads = [threading.Thread(target=work) for _ in range(self._threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
