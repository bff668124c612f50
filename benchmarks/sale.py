"""The flash sale: many clients after one SKU until it is sold out, and the same statements bare."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from benchmarks.endpoints import Floor, Shop
from benchmarks.environment import connect
from benchmarks.load import Answer, Script, run_together
from benchmarks.servers import ROOT, Postgres
from benchmarks.shops import Prepared, renew_tokens, served

CLIENTS = 64
UNITS = 200
_PLENTY = 1_000_000
PROCESSES = 2
SPARE_CONNECTIONS = 12
_REFUSED = frozenset({409, 503})
_LONGEST = 300.0


@dataclass(frozen=True)
class Bare:
    """What a script without HTTP did."""

    clients: int
    flows: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.flows / self.seconds


@dataclass(frozen=True)
class Sale:
    """How the shop sold the units, and how bare statements did."""

    units: int
    clients: int
    sold: int
    left: int
    per_second: float
    is_sound: bool  # the invariants hold afterwards
    served_per_second: float  # the bare statements behind HTTP
    bare: Bare

    @property
    def is_exact(self) -> bool:
        return self.sold == self.units and self.left == 0


def hold(shop: Prepared, writing: Prepared, postgres: Postgres) -> Sale:
    """Sell out one SKU in the shop, then in the database of the floor, by HTTP and without."""
    hot, floor_hot = shop.facts.variants[-1], writing.facts.variants[-1]
    with served(shop, "shop", "writing floor", writing=writing) as servers:
        renew_tokens(shop.facts, servers["shop"])
        _stock(shop, hot, UNITS)
        ours = _sell(servers["shop"].port, Shop(shop.facts).buying_one(hot))
        _stock_floor(writing, floor_hot)
        replaying = Floor(writing.facts).replaying("purchase", 1, variants=[floor_hot])
        served_bare = _sell(servers["writing floor"].port, replaying)
    _stock_floor(writing, floor_hot)
    clients = max(2, min(CLIENTS, postgres.free_connections() - SPARE_CONNECTIONS))
    bare = run_bare(writing, "purchase", clients=clients, seconds=_LONGEST, variants=[floor_hot])
    left, is_sound = _stock(shop, hot), check_invariants(shop)
    _stock(shop, hot, _PLENTY)
    return Sale(
        units=UNITS,
        clients=CLIENTS,
        sold=len(ours),
        left=left,
        per_second=len(ours) / max(ours),
        is_sound=is_sound,
        served_per_second=len(served_bare) / max(served_bare),
        bare=bare,
    )


def run_bare(
    writing: Prepared, flow: str, *, clients: int, seconds: float, variants: Sequence[int] = ()
) -> Bare:
    """Send a flow's statements by scripts that hold a connection for each client."""
    _empty_carts(writing)  # what is in one already is no new line
    share = clients // PROCESSES
    scripts = [
        subprocess.Popen(
            [
                sys.executable, "-m", "benchmarks.bare", str(writing.path), flow,
                str(number * share), str(share), str(seconds), *map(str, variants),
            ],
            cwd=ROOT,
            env={**writing.environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    try:
        for script in scripts:
            assert script.stdout is not None
            script.stdout.readline()
        for script in scripts:
            assert script.stdin is not None
            script.stdin.write("\n")
            script.stdin.flush()
        told = [json.loads(script.communicate()[0]) for script in scripts]
    finally:
        for script in scripts:
            script.kill()
    flows = sum(one["flows"] for one in told)
    return Bare(share * PROCESSES, flows, max(one["seconds"] for one in told))


def check_invariants(shop: Prepared) -> bool:
    """Return whether the shop's books are in order."""
    checked = subprocess.run(
        [sys.executable, "manage.py", "check_invariants"],
        cwd=shop.root,
        env=dict(shop.environment),
        stdout=subprocess.DEVNULL,
    )
    return checked.returncode == 0


def _stock(shop: Prepared, variant: int, units: int | None = None) -> int:
    """Set a variant's stock, if told how much, and return what can be bought of it."""
    more = [] if units is None else [str(units)]
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.stocking", str(variant), *more],
        cwd=shop.root,
        env={**shop.environment, "PYTHONPATH": str(shop.root)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(told.stdout)


def _stock_floor(writing: Prepared, variant: int) -> None:
    """Set the stock anew and send home those who came too late."""
    _stock(writing, variant, UNITS)
    _empty_carts(writing)


def _empty_carts(writing: Prepared) -> None:
    lines = "DELETE FROM cart_cartline l USING cart_cart c WHERE c.id = l.cart_id"
    with contextlib.closing(connect(writing.environment)) as connection:
        cursor = connection.cursor()
        cursor.execute(f"{lines} AND c.open_for IS NOT NULL")
        cursor.execute("DELETE FROM cart_cart WHERE open_for IS NOT NULL")


def _sell(port: int, script_for: Callable[[int], Script]) -> list[float]:
    """Return when each purchase of the sale was done, in seconds from its beginning."""
    sold: list[float] = []
    scripts = [until_sold_out(script_for(client), sold) for client in range(CLIENTS)]
    started = time.perf_counter()
    run_together(port, {"": scripts}, seconds=_LONGEST, tolerated=_REFUSED)
    return [moment - started for moment in sold]


def until_sold_out(script: Script, done: list[float]) -> Script:
    """Return the script of a client who goes home when there is nothing left.

    :param done: takes the moments at which something was bought.
    """
    is_over = False

    def buying() -> Generator[bytes, Answer, None]:
        nonlocal is_over
        run = script()
        wire = None if is_over else next(run, None)
        while wire is not None:
            answer = yield wire
            if answer.status >= 400:
                is_over = answer.status == 409 and b"concurrent_change" not in answer.body
                return
            try:
                wire = run.send(answer)
            except StopIteration:
                done.append(time.perf_counter())
                return

    return buying
