"""``python -m tests.chaos short`` is a part of ``make test``; ``long`` is ``make chaos``.

Each series of attacks runs in a process of its own, with the environment of a production shop
on a database of its own. SEED in the environment seeds what is random; TEST_MYSQL_URL names the
MariaDB that the long form attacks, too; CHAOS_PORT the first of three ports, else free ones are
looked for. ``long --rounds 5`` is a try of five turns of each series of rounds, without the drills:
each says how long they took.
"""

import argparse
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.chaos import plans, report
from tests.chaos.databases import free_ports, killable_postgres, migrate, shop_environment
from tests.postgres import PostgresUnavailable


def main(arguments: Sequence[str]) -> int:
    """Run the series, print the table, and return 1 if anything was broken that must not be."""
    chosen, started = _parse(arguments), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**32))
    first_port = int(os.environ.get("CHAOS_PORT") or free_ports(plans.PORTS))
    mysql_url = os.environ.get("TEST_MYSQL_URL", "")
    print(f"SEED={seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="shop-chaos-") as folder,
        killable_postgres(first_port) as postgres,
    ):
        postgres.execute(f"CREATE DATABASE {plans.TEMPLATE}")
        migrate(shop_environment(postgres.environment(plans.TEMPLATE)))
        run = plans.Run(
            seed, first_port, Path(folder), time.time() + chosen.minutes * 60, postgres, mysql_url
        )
        try:
            run.run_all(_series(chosen, mysql_url))
        finally:
            if chosen.results:
                report.keep(run.results, Path(chosen.results))
            if chosen.write:
                report.write(run.results, seed=seed)
    seconds = time.monotonic() - started
    print(f"{seconds:.0f} s, at most {chosen.minutes:g} minutes")
    return report.conclude(run.results)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("form", choices=["short", "long"])
    parser.add_argument("--minutes", type=float, default=60, help="for all series together")
    parser.add_argument("--only", default="", help="places that begin so: PostgreSQL,SQLite")
    parser.add_argument("--rounds", type=int, default=0, help="no more rounds of each attack")
    parser.add_argument("--drills", default="", help="nothing but these drills, by name")
    parser.add_argument("--write", action="store_true", help="renew docs/reliability.md")
    parser.add_argument("--results", default="", help="a file for the results, as JSON")
    return parser.parse_args(arguments)


def _series(chosen: argparse.Namespace, mysql_url: str) -> list[plans.Series]:
    wanted = plans.SHORT if chosen.form == "short" else plans.LONG
    if not mysql_url and chosen.form == "long":
        print("TEST_MYSQL_URL names no server: nothing is attacked on MariaDB.")
        wanted = tuple(series for series in wanted if series.kind != "mysql")
    if chosen.drills:
        names = chosen.drills.split(",")
        return [
            replace(series, drills={name: series.drills[name] for name in names})
            for series in wanted
            if set(names) <= set(series.drills)
        ]
    if chosen.rounds:
        most = chosen.rounds
        wanted = tuple(replace(s, rounds=min(s.rounds, most)) for s in wanted if s.rounds)
    names = [name for name in chosen.only.split(",") if name]
    return [s for s in wanted if not names or any(s.place.startswith(name) for name in names)]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PostgresUnavailable as lacking:
        # make test has tested on the server that TEST_POSTGRES_URL names; that one is not ours
        # to kill.
        print(f"Nothing is attacked, no PostgreSQL of our own can be had: {lacking.reason}")
        sys.exit(0 if os.environ.get("TEST_POSTGRES_URL") else 1)
