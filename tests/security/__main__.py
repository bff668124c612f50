"""``python -m tests.security short`` is a part of ``make test``; ``long`` is ``make security``.

``fuzz`` is schemathesis alone, ten examples an operation and a little of its coverage phase.

SEED in the environment seeds what is random; TEST_MYSQL_URL names the MariaDB that the long form
attacks, too; SECURITY_PORT the server's port, else a free one is looked for; SECURITY_TOOLS where
sqlmap and wapiti are or will be installed, else below the environment of this Python.
"""

import argparse
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.databases import free_ports
from tests.postgres import PostgresUnavailable
from tests.security import checks, plans, report

_SEED_OF_SHORT = 20261127
_CHECKS = "Checks"


def main(arguments: Sequence[str]) -> int:
    """Attack, print what was wrong and a table, and return 1 if anything was."""
    chosen, started = _parse(arguments), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended
    # The form of make test is the same each time; what is new is found by the long one.
    drawn = _SEED_OF_SHORT if chosen.form == "short" else secrets.randbelow(2**32)
    seed = int(os.environ.get("SEED") or drawn)
    first_port = int(os.environ.get("SECURITY_PORT") or free_ports(plans.PORTS))
    print(f"SEED={seed}", flush=True)
    series = _series(chosen)
    with (
        tempfile.TemporaryDirectory(prefix="shop-security-") as folder,
        contextlib.ExitStack() as servers,
    ):
        until = time.time() + chosen.minutes * 60
        run = plans.Run(seed, first_port, Path(folder), until, servers, calls=chosen.calls)
        for each in series:
            run.run(each)
    if chosen.form == "long" and _is_wanted(_CHECKS, chosen.only):
        run.rows += checks.run_all()
    print(f"{time.monotonic() - started:.0f} s")
    if chosen.write:
        report.write(run.rows, seed=seed)
    return report.conclude(run.rows, seed=seed)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.security")
    parser.add_argument("form", choices=["short", "fuzz", "long"])
    parser.add_argument("--minutes", type=float, default=240, help="for all of it together")
    parser.add_argument("--calls", type=int, default=100_000, help="of schemathesis, in the long")
    parser.add_argument(
        "--only", type=_names, default=(), help="series whose names begin so: PostgreSQL,Tools"
    )
    parser.add_argument("--write", action="store_true", help="renew the tables in docs/security.md")
    return parser.parse_args(arguments)


def _series(chosen: argparse.Namespace) -> list[plans.Series]:
    wanted = {"short": plans.SHORT, "fuzz": plans.FUZZ, "long": plans.LONG}[chosen.form]
    if not os.environ.get("TEST_MYSQL_URL"):
        if any(each.kind == "mysql" for each in wanted):
            print("TEST_MYSQL_URL names no server: nothing is attacked on MariaDB.")
        wanted = [each for each in wanted if each.kind != "mysql"]
    return [each for each in wanted if _is_wanted(each.name, chosen.only)]


def _names(text: str) -> Sequence[str]:
    """Return the beginnings of names of series.

    :raises ArgumentTypeError: no series' name begins so.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [*(each.name for each in (*plans.SHORT, *plans.FUZZ, *plans.LONG)), _CHECKS]
    for name in names:
        if not any(each.startswith(name) for each in known):
            raise argparse.ArgumentTypeError(f"{name} begins none of: {', '.join(known)}")
    return names


def _is_wanted(name: str, only: Sequence[str]) -> bool:
    return not only or name.startswith(tuple(only))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PostgresUnavailable as lacking:
        print(f"Nothing is attacked, no PostgreSQL can be had: {lacking.reason}")
        sys.exit(1)
