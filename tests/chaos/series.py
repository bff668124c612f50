"""Runs attacks in series against one server, and writes down what they came to."""

import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import attacks
from tests.chaos.attack import Attack, Round
from tests.chaos.naive.loosen import loosen
from tests.chaos.server import serving
from tests.chaos.shop import Shop


@dataclass
class Result:
    """One line of the table."""

    name: str
    sentence: str
    place: str
    rounds: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    broken_rounds: int = 0
    server_errors: int = 0
    busy: int = 0
    deadlocks: int | None = None
    seconds: float = 0.0
    is_naive: bool = False

    def add(self, one: Round) -> None:
        """Count a round in."""
        self.rounds += 1
        self.answers += one.answers
        self.broken_rounds += bool(one.violations)
        self.violations += one.violations[: max(0, 20 - len(self.violations))]
        for what, count in one.answers.items():
            if what.startswith("503 ") and "without" not in what:
                self.busy += count
            elif what.startswith("5"):
                self.server_errors += count


def run_plan(plan: Mapping[str, Any]) -> None:
    """Run what the plan names; each result is appended to the plan's file as one JSON line."""
    random.seed(plan["seed"])
    shop = Shop()
    chosen = [each for each in attacks.ALL if _is_wanted(each, plan["only"])]
    if plan["is_naive"]:
        for each in chosen:
            _write(plan, _run_naive(shop, each, plan))
        return
    with serving(port=plan["port"], log=Path(plan["log"]), wsgi=plan["wsgi"]) as server:
        for each in chosen:
            attack = each(shop, server.address)
            _write(plan, _run(shop, attack, plan))


def _is_wanted(attack: type[Attack], only: list[str]) -> bool:
    return not only or any(attack.name.lower().startswith(name.lower()) for name in only)


def _run(shop: Shop, attack: Attack, plan: Mapping[str, Any]) -> Result:
    result = Result(attack.name, attack.sentence, plan["place"])
    started, deadlocks = time.monotonic(), shop.deadlocks()
    for _ in range(plan["rounds"]):
        result.add(attack.run())
        if time.time() > plan["until"]:
            break
    shop.sweep()
    broken = shop.find_broken_invariants()
    result.violations += broken
    result.broken_rounds += bool(broken)
    if deadlocks is not None:
        result.deadlocks = (shop.deadlocks() or 0) - deadlocks
    result.seconds = time.monotonic() - started
    return result


def _run_naive(shop: Shop, each: type[Attack], plan: Mapping[str, Any]) -> Result:
    """Attack the careless variant until it falls, at most so many rounds."""
    result = Result(each.name, each.sentence, plan["place"], is_naive=True)
    started = time.monotonic()
    loosen(each.naive)
    with serving(
        port=plan["port"],
        log=Path(plan["log"]),
        wsgi="tests.chaos.naive.wsgi",
        CHAOS_NAIVE=each.naive,
    ) as server:
        attack = each(shop, server.address)
        for _ in range(plan["rounds"]):
            result.add(attack.run())
            if result.broken_rounds:
                break
    result.seconds = time.monotonic() - started
    return result


def _write(plan: Mapping[str, Any], result: Result) -> None:
    with Path(plan["results"]).open("a") as file:
        file.write(json.dumps(vars(result)) + "\n")
    print(
        f"{result.place:<22} {result.name:<22} {'naive ' if result.is_naive else ''}"
        f"rounds {result.rounds}, broken {result.broken_rounds}, 5xx {result.server_errors}, "
        f"503 {result.busy}, deadlocks {result.deadlocks}, {result.seconds:.1f} s",
        dict(result.answers),
        *result.violations[:3],
        flush=True,
    )
