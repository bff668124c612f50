"""Runs attacks in series against one server, and writes down what they came to.

The attacks take turns, one round each, so that a series that runs out of time has made as many of
each, or one more. While one is fired, another is prepared or judged: the server, not the harness,
is to be busy. After each turn the results so far are written: a run that is cut off keeps them.
"""

import contextlib
import json
import queue
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from tests.chaos import attacks, drills
from tests.chaos.attack import Attack, Round
from tests.chaos.naive.loosen import loosen
from tests.chaos.report import WHOLE
from tests.chaos.server import Server, serving
from tests.chaos.shop import Shop
from tests.threads import closing

MOST_VIOLATIONS_SHOWN = 20
SWEEP_EVERY = 10  # turns
_writing = threading.Lock()


@dataclass
class Result:
    """One line of the table."""

    name: str
    sentence: str
    place: str
    wanted: int = 0  # rounds
    rounds: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    broken_rounds: int = 0
    server_errors: int = 0
    busy: int = 0
    deadlocks: int | None = None  # of an attack's rounds alone none: they are the series'
    seconds: float = 0.0
    is_naive: bool = False
    is_drill: bool = False
    extent: str = ""  # of a drill: how much of it was done

    def add(self, one: Round) -> None:
        """Count a round in."""
        self.rounds += 1
        self.answers += one.answers
        self.note(one.violations)
        for what, count in one.answers.items():
            if what.startswith("503 ") and "without" not in what:
                self.busy += count
            elif what.startswith("5"):
                self.server_errors += count

    def note(self, violations: list[str]) -> None:
        """Count a round as broken if there are any."""
        self.broken_rounds += bool(violations)
        room = MOST_VIOLATIONS_SHOWN - len(self.violations)
        self.violations += violations[: max(0, room)]


def run_plan(plan: Mapping[str, Any]) -> None:
    """Run what the plan names; the results are one JSON document in the plan's folder."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is ended, too
    random.seed(plan["seed"])
    shop = Shop()
    if plan["is_naive"]:
        _attack_the_naive(shop, plan)
    elif plan["drills"]:
        with _serving(plan, "tests.chaos.failing_wsgi") as server:
            _make_drills(shop, server, plan)
    else:
        wsgi = "tests.chaos.failing_wsgi" if plan["pause_ms"] else "shop_backend.wsgi"
        with _serving(plan, wsgi) as server:
            _Turns([each(shop, server) for each in _chosen(plan)], plan).take(shop)


def _serving(
    plan: Mapping[str, Any], wsgi: str, **environment: str
) -> contextlib.AbstractContextManager[Server]:
    return serving(
        port=plan["port"],
        log=Path(plan["folder"]) / "server.log",
        wsgi=wsgi,
        threads=plan["threads"],
        environment={**plan["server_environment"], **environment},
    )


def _chosen(plan: Mapping[str, Any]) -> list[type[Attack]]:
    """Return the attacks whose names begin as the plan says; ``first``: one a variant."""
    if plan["attacks"] == "first":
        return list({each.naive: each for each in reversed(attacks.ALL)}.values())[::-1]
    names = [name.lower() for name in plan["attacks"].split(",") if name]
    return [a for a in attacks.ALL if not names or any(a.name.lower().startswith(n) for n in names)]


def _make_drills(shop: Shop, server: Server, plan: Mapping[str, Any]) -> None:
    results = []
    chosen = [each for each in drills.ALL if each.name in plan["drills"]]
    whole, weights = plan["until"] - time.time(), sum(each.weight for each in chosen)
    for number, each in enumerate(chosen):
        drill = each(shop, server)
        drill.size = plan["drills"][each.name]
        share = each.weight / sum(later.weight for later in chosen[number:])
        left = share * (plan["until"] - time.time())
        # What was begun is finished and judged, which takes its time; none may starve the last.
        drill.until = time.time() + max(left, whole * each.weight / weights / 2)
        result = Result(each.name, each.sentence, plan["place"], is_drill=True)
        _make_round(shop, drill, result)
        result.extent = drill.extent
        result.wanted = result.rounds + (not drill.is_complete)
        if not drill.counts_deadlocks:
            result.deadlocks = None
        shop.sweep()
        result.note(shop.find_broken_invariants())
        results.append(result)
        write(plan, results)
        show(result)


def _make_round(shop: Shop, attack: Attack, result: Result) -> None:
    started, deadlocks = time.monotonic(), shop.deadlocks()
    result.add(attack.run())
    result.seconds += time.monotonic() - started
    if deadlocks is not None:
        result.deadlocks = (result.deadlocks or 0) + max(0, (shop.deadlocks() or 0) - deadlocks)


class _Turns:
    """Attacks that take turns, a few of them under way at a time."""

    def __init__(self, chosen: Sequence[Attack], plan: Mapping[str, Any]) -> None:
        self._plan, self._chosen, self._place = plan, chosen, plan["place"]
        self._busy = {attack: threading.Lock() for attack in chosen}
        self._results = {
            attack: Result(
                attack.name,
                attack.sentence,
                self._place,
                sum(map(attack.is_due, range(1, plan["rounds"] + 1))),
            )
            for attack in chosen
        }
        self._whole = Result(WHOLE, "all of check_invariants, after ten turns", self._place)
        self._broken_off: list[Exception] = []

    def take(self, shop: Shop) -> None:
        """Take as many turns as the plan says, or as there is time for."""
        started, rounds, turn = time.monotonic(), self._plan["rounds"], 0
        self._whole.wanted = ceil(rounds / SWEEP_EVERY)
        while turn < rounds and time.time() < self._plan["until"]:
            first, turn = turn + 1, min(rounds, turn + SWEEP_EVERY)
            self._take_some(range(first, turn + 1))
            self._check(shop)
        for result in self._results.values():
            show(result)
        show(self._whole)
        seconds = time.monotonic() - started
        print(f"{self._place}: {turn} turns begun in {seconds:.0f} s", flush=True)

    def _take_some(self, turns: range) -> None:
        """Take these turns; return when no attack is under way any more."""
        due: queue.SimpleQueue[Attack | None] = queue.SimpleQueue()
        for turn in turns:
            for attack in self._chosen:
                if attack.is_due(turn):
                    due.put(attack)
        lanes = [
            threading.Thread(target=closing(partial(self._work_off, due)))
            for _ in range(self._plan["lanes"])
        ]
        for lane in lanes:
            due.put(None)
            lane.start()
        for lane in lanes:
            lane.join()
        if self._broken_off:
            raise self._broken_off[0]

    def _work_off(self, due: "queue.SimpleQueue[Attack | None]") -> None:
        try:
            while (attack := due.get()) and time.time() < self._plan["until"]:
                with self._busy[attack]:
                    started, made = time.monotonic(), attack.run()
                    self._results[attack].add(made)
                    self._results[attack].seconds += time.monotonic() - started
                    write(self._plan, self._all)
        except Exception as error:  # in a thread: the series is to break off, too
            self._broken_off.append(error)

    @property
    def _all(self) -> list[Result]:
        return [*self._results.values(), self._whole]

    def _check(self, shop: Shop) -> None:
        started = time.monotonic()
        shop.sweep()
        self._whole.rounds += 1
        self._whole.note(shop.find_broken_invariants())
        # Since the database was made: a server's processes tell of theirs up to a second late.
        self._whole.deadlocks = shop.deadlocks()
        self._whole.seconds += time.monotonic() - started
        write(self._plan, self._all)


def _attack_the_naive(shop: Shop, plan: Mapping[str, Any]) -> None:
    """Attack each careless variant until it falls, at most so many rounds."""
    chosen, results = _chosen(plan), []
    for variant in dict.fromkeys(each.naive for each in chosen):
        loosen(variant)
        with _serving(plan, "tests.chaos.naive.wsgi", CHAOS_NAIVE=variant) as server:
            for each in chosen:
                if each.naive == variant:
                    results.append(_run_naive(each(shop, server), plan))
                    write(plan, results)
                    show(results[-1])


def _run_naive(attack: Attack, plan: Mapping[str, Any]) -> Result:
    result = Result(attack.name, attack.sentence, plan["place"], is_naive=True)
    started = time.monotonic()
    for _ in range(plan["rounds"]):
        result.add(attack.run())
        if result.broken_rounds:
            break
    result.seconds = time.monotonic() - started
    return result


def write(plan: Mapping[str, Any], results: list[Result]) -> None:
    """Write the results so far."""
    found = json.dumps([vars(result) for result in results], indent=1)
    with _writing:
        (Path(plan["folder"]) / "results.json").write_text(found)


def show(result: Result) -> None:
    """Print one line of the table, and below it what was wrong."""
    kind = "naive" if result.is_naive else "ours"
    print(
        f"{result.place:<24}{kind:<6}{result.name:<22}{result.rounds:>4} rounds,"
        f" {result.broken_rounds} broken, 5xx {result.server_errors}, 503 {result.busy},"
        f" deadlocks {result.deadlocks}, {result.seconds:.0f} s  {dict(result.answers)}",
        flush=True,
    )
    for violation in result.violations[:3]:
        print(f"    {violation}", flush=True)
