"""Several workers that go through the plan, until it is done or somebody stops them."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shop_backend.replay.client import NoAnswer, Refused
from shop_backend.replay.driving import Shop
from shop_backend.replay.planning import Plan, PlannedOrder, PlannedReturn
from shop_backend.replay.scheduling import Schedule

MOST_FAILURES = 50


@dataclass
class Outcome:
    """How far a run came. ``failures``: what the shop refused, by invoice, in its words."""

    done: int = 0
    price_changes: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class Run:
    """One run through what the plan still wants.

    :param is_done: whether an earlier run has finished an order or a return.
    :param tick: called after each order and return, in any thread.
    """

    def __init__(
        self,
        shop: Shop,
        plan: Plan,
        prices: dict[str, int],
        *,
        is_done: Callable[[PlannedOrder | PlannedReturn], bool],
        tick: Callable[[], None],
    ) -> None:
        self.outcome = Outcome()
        self.stopping = threading.Event()
        self._shop, self._tick = shop, tick
        # A return waits for its order; nobody waits for an order that an earlier run finished.
        open_orders = [order for order in plan.orders if not is_done(order)]
        awaited = {order.name for order in open_orders}
        self._schedule = Schedule(open_orders, prices)
        self._returns: deque[PlannedReturn] = deque()
        self._returns_of: dict[str, list[PlannedReturn]] = defaultdict(list)
        for wanted in plan.returns:
            if wanted.order in awaited:
                self._returns_of[wanted.order].append(wanted)
            elif not is_done(wanted):
                self._returns.append(wanted)
        self._in_flight = 0
        self._turn = threading.Condition()

    def go(self, *, workers: int) -> Outcome:
        """Work until all is done, or until ``stopping`` is set and what is in flight is done."""
        threads = [threading.Thread(target=self._work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)  # so that the main thread hears signals
        return self.outcome

    def _work(self) -> None:
        while (task := self._next()) is not None:
            name = task.credit_note if isinstance(task, PlannedReturn) else task.name
            problem = ""
            try:
                self._do(task)
            except (Refused, NoAnswer) as error:
                problem = str(error)
            finally:
                self._finish(task, name, problem)

    def _next(self) -> PlannedOrder | PlannedReturn | None:
        with self._turn:
            while not self.stopping.is_set():
                task = self._returns.popleft() if self._returns else self._schedule.take()
                if task is not None:
                    self._in_flight += 1
                    return task
                if not self._in_flight:
                    break
                self._turn.wait(0.5)
            return None

    def _do(self, task: PlannedOrder | PlannedReturn) -> None:
        if isinstance(task, PlannedReturn):
            self._shop.take_back(task)
            return
        with self._turn:
            changes = self._schedule.changes_for(task)
        for sku, price_minor in changes.items():
            self._shop.set_price(sku, price_minor)
            with self._turn:
                self._schedule.price_changed(sku, price_minor)
                self.outcome.price_changes += 1
        self._shop.sell(task)

    def _finish(self, task: PlannedOrder | PlannedReturn, name: str, problem: str) -> None:
        with self._turn:
            self._in_flight -= 1
            if isinstance(task, PlannedOrder):
                self._schedule.finish(task)
                if not problem:
                    self._returns.extend(self._returns_of[task.name])
            if problem:
                self.outcome.failures[name] = problem
            else:
                self.outcome.done += 1
            if len(self.outcome.failures) >= MOST_FAILURES:
                self.stopping.set()  # something is wrong with the shop, not with an invoice
            self._turn.notify_all()
        self._tick()
