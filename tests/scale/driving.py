"""Customers, browsers and a manager, while machines go and come back; then the books."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import django

django.setup()

from django.db import connection

from tests.chaos import wire
from tests.chaos.attack import expect
from tests.chaos.customers import Crowd, Purchase
from tests.chaos.drills.lost_answers import judge_purchases
from tests.chaos.server import Server, serving
from tests.chaos.shop import Shop
from tests.scale.machines import DATABASE, MAX_LAG_SECONDS, REPLICA, Machines
from tests.scale.watchers import Browsers, Manager

CUSTOMERS, BROWSERS = 6, 2
APP_SERVERS, WORKERS, THREADS = 2, 2, 4
PAUSE_SECONDS = {"short": 1.2, "long": 8}
ROUNDS = {"short": 1, "long": 2}
CATCH_UP_SECONDS, PATIENCE_SECONDS = 30, 20
_PRODUCTS = 30
_READ_FROM_THE_REPLICA = {"all are there", "the primary is killed"}
# What a session could have kept, and a stranger found in the pooler's connection.
_SESSION = """
SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
    current_setting('transaction_isolation'), current_setting('TimeZone')
"""
_UNTOUCHED = ("0", "0", "read committed", "UTC")
_ADVISORY = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
_BOOKS = "SELECT count(*), sum(hashtext(number)::bigint) FROM orders_order"


@dataclass
class Fleet:
    """The app servers, each of which can be stopped and started again."""

    machines: Machines
    servers: list[Server] = field(default_factory=list)
    _running: list[ExitStack] = field(default_factory=list)

    def start_all(self) -> None:
        for number in range(APP_SERVERS):
            self._running.append(ExitStack())
            self.servers.append(self._start(number))

    def restart(self, number: int) -> None:
        self.servers[number] = self._start(number)

    def kill(self, number: int) -> None:
        self.servers[number].kill()
        self._running[number].close()

    def stop_all(self) -> None:
        for each in self._running:
            each.close()

    def addresses(self) -> list[wire.Address]:
        return [server.address for server in self.servers]

    def _start(self, number: int) -> Server:
        return self._running[number].enter_context(
            serving(
                port=self.machines.first_app_port + number,
                log=self.machines.folder / f"app-{number}.log",
                workers=WORKERS,
                threads=THREADS,
                environment=self.machines.pooled(),
            )
        )


def drive(machines: Machines, form: str) -> dict[str, Any]:
    """Let everything happen, and return the figures with what was wrong."""
    shop, fleet = Shop(), Fleet(machines)
    goods = [shop.variant(stock=1_000_000) for _ in range(_PRODUCTS)]
    buyers = shop.buyers(CUSTOMERS)
    for person in [*buyers, shop.manager, shop.admin]:
        _ = person.token
    connection.close()
    try:
        fleet.start_all()
        return _Drive(machines, fleet, shop, goods, form).report()
    finally:
        fleet.stop_all()


class _Drive:
    def __init__(
        self, machines: Machines, fleet: Fleet, shop: Shop, goods: Sequence[Any], form: str
    ) -> None:
        self._machines, self._fleet, self._shop, self._goods = machines, fleet, shop, goods
        self._pause, self._rounds = PAUSE_SECONDS[form], ROUNDS[form]
        self._crowd = Crowd(fleet.addresses()[0], CUSTOMERS, *fleet.addresses()[1:])
        self._browsers = Browsers(fleet.addresses(), BROWSERS)
        self._manager = Manager(fleet.addresses(), shop.manager, goods[0].product_id)
        self._purchases: list[Purchase] = []
        self._is_over = threading.Event()
        self._phases: list[dict[str, Any]] = []
        self._wrong: list[str] = []

    def report(self) -> dict[str, Any]:
        """Drive, and judge."""
        started = time.monotonic()
        threads = [threading.Thread(target=self._buy), *self._browsers.threads(self._is_over)]
        threads.append(threading.Thread(target=self._manager.work, args=[self._is_over]))
        for thread in threads:
            thread.start()
        try:
            for _ in range(self._rounds):
                self._round()
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()
        driven = time.monotonic() - started
        in_time = sum(purchase.is_paid for purchase in self._purchases)
        connection.close()  # what this thread had was to a primary that was killed
        self._shop.let_leases_run_out()  # of what the killed server had begun
        self._crowd.finish(self._purchases, seconds=120)
        self._judge()
        return {
            "purchases": len(self._purchases),
            "paid while machines went and came": in_time,
            "purchases a second": round(in_time / driven, 1),
            "answers to customers": dict(self._crowd.answers),
            "catalogue reads": sum(self._browsers.statuses.values()),
            "worst read, seconds": round(self._browsers.worst(), 2),
            "price changes": self._manager.changes,
            "seconds until strangers saw one": self._manager.lags(),
            "phases": self._phases,
            "seconds": round(time.monotonic() - started),
            "violations": self._wrong,
        }

    def _buy(self) -> None:
        people = self._shop.buyers(CUSTOMERS)
        self._purchases = self._crowd.keep_buying(
            lambda: Purchase(random.choice(people), random.choice(self._goods)),
            self._is_over.is_set,
        )

    def _round(self) -> None:
        machines, fleet = self._machines, self._fleet
        self._phase("all are there", self._look_at_the_books)
        self._phase("the replica is stopped", machines.replica.stop)
        self._phase("the replica is back", machines.replica.start)
        if self._pause > MAX_LAG_SECONDS:
            self._phase("the replica stands still", lambda: self._replay("pause"))
            self._phase("the replica goes on", lambda: self._replay("resume"))
        self._phase("one app server is killed", lambda: fleet.kill(1))
        self._phase("the app server is back", lambda: fleet.restart(1))
        self._phase("the primary is killed", machines.primary.kill)
        self._phase("the primary is back", machines.primary.start)

    def _replay(self, what: str) -> None:
        """Let the replica answer on, and fall behind; or catch up."""
        self._machines.replica.execute(f"SELECT pg_wal_replay_{what}()")

    def _look_at_the_books(self) -> None:
        """Have the app read with its limit of time, which must not stay in the session."""
        answer = wire.call(
            self._fleet.addresses()[0],
            wire.Request("GET", "/health/invariants/", token=self._shop.admin.token),
        )
        self._wrong += expect("the look at the invariants", answer.status, 200)

    def _phase(self, name: str, begin: Callable[[], None]) -> None:
        """Begin with it, and go on until what it is about has happened, too."""
        key = f"{name}, phase {len(self._phases)}"
        self._browsers.begin(key)
        begun, paid = time.monotonic(), self._crowd.answers["201"]
        before = self._transactions()
        begin()
        took = time.monotonic() - begun
        time.sleep(self._pause)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            now = self._transactions()
            phase = {
                "phase": name,
                "seconds": round(time.monotonic() - begun, 1),
                "of it, to stop or start": round(took, 1),
                "orders and payments": self._crowd.answers["201"] - paid,
                "reads": self._browsers.count(key),
                "worst read": round(self._browsers.worst(key), 2),
                "transactions at the primary": now[0] - before[0],
                "and at the replica": now[1] - before[1],
            }
            lacking = _lacking_in(phase)
            if not lacking or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self._phases.append(phase)
        self._wrong += lacking

    def _transactions(self) -> tuple[int, int]:
        return (
            self._machines.transactions_of(DATABASE),
            self._machines.transactions_of(REPLICA),
        )

    def _judge(self) -> None:
        self._shop.sweep()
        self._wrong += self._shop.find_broken_invariants()
        self._wrong += judge_purchases(self._purchases)
        self._wrong += expect("answers 500", self._crowd.answers["500 server_error"], 0)
        self._wrong += self._browsers.violations()
        self._wrong += self._manager.violations()
        for name in (DATABASE, REPLICA):
            sessions = {self._machines.ask_pooler(_SESSION, name)[0] for _ in range(20)}
            self._wrong += expect(f"sessions of {name}", sessions, {_UNTOUCHED})
        self._wrong += expect("advisory locks", self._machines.primary.execute(_ADVISORY), [(0,)])
        self._compare_with_the_replica()

    def _compare_with_the_replica(self) -> None:
        primary = self._machines.ask_pooler(_BOOKS, DATABASE)
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while self._machines.ask_pooler(_BOOKS, REPLICA) != primary:
            if time.monotonic() > deadline:
                self._wrong.append("the replica does not have the orders of the primary")
                return
            time.sleep(0.1)


def _lacking_in(phase: dict[str, Any]) -> list[str]:
    """Return what has not happened in a phase that is about it."""
    name, found = phase["phase"], []
    if not phase["reads"]:
        found.append(f"nothing was read while {name}")
    if not phase["orders and payments"] and name != "the primary is killed":
        found.append(f"nothing was bought while {name}")
    if not phase["and at the replica"] and name in _READ_FROM_THE_REPLICA:
        found.append(f"the replica was not asked while {name}")
    return found
