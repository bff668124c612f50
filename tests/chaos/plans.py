"""Which series make up the short and the long form, and how one is run."""

import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.databases import (
    Environment,
    KillablePostgres,
    migrate,
    mysql_database,
    shop_environment,
    sqlite_file,
)
from tests.chaos.proxies import far_away

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATE = "chaos_template"
KILL_WISH, KILLS_MADE = "kill-the-database", "kills-made"  # files of tests.chaos.drills.crashes
RESERVE = 0.03  # of the time, for what was begun to be judged
FAR_MS = 20
PORTS = 3  # the database's, the shop's, a proxy's
LANES = 3  # attacks under way, of which one is fired, and others are prepared or judged
MYSQL_THREADS = 3  # for each of four workers: a small server of the machine has few connections


@dataclass(frozen=True)
class Series:
    """Rounds of attacks, or drills of a size, on one kind of database."""

    place: str
    kind: str
    rounds: int = 0
    attacks: str = ""  # names, separated by commas; empty: all
    drills: Mapping[str, int] = field(default_factory=dict)  # name and size
    share: float = 1.0  # of the time there is
    is_naive: bool = False
    is_far: bool = False
    pause_ms: int = 0


SHORT: tuple[Series, ...] = (
    Series("PostgreSQL", "postgresql", rounds=1),
    Series("PostgreSQL", "postgresql", rounds=20, is_naive=True, attacks="first"),
    Series(
        "PostgreSQL",
        "postgresql",
        drills={
            "Repeats": 60,
            "Lost answers": 40,
            "Failpoints": 16,
            "Webhook chaos": 20,
            "kill -9 of workers": 6,
            "kill -9 of PostgreSQL": 2,
        },
    ),
)
# The shares are minutes that a machine with two quiet cores may need. What one leaves over is for
# those after it, so the longest comes last.
LONG: tuple[Series, ...] = (
    Series("PostgreSQL", "postgresql", rounds=20, is_naive=True, share=2),
    Series(
        "PostgreSQL",
        "postgresql",
        drills={
            "Repeats": 1000,
            "Lost answers": 2000,
            "Failpoints": 1,
            "Webhook chaos": 500,
            "kill -9 of workers": 300,
            "kill -9 of PostgreSQL": 20,
        },
        share=12,
    ),
    Series("PostgreSQL, 20 ms away", "postgresql", rounds=10, is_far=True, share=6),
    Series("SQLite", "sqlite", rounds=50, share=6),
    Series("SQLite, 20 ms pause", "sqlite", rounds=10, pause_ms=FAR_MS, share=3),
    Series("MariaDB", "mysql", rounds=50, share=7),
    Series("MariaDB, 20 ms away", "mysql", rounds=10, is_far=True, share=10),
    Series("PostgreSQL", "postgresql", rounds=200, share=13),
)


@dataclass
class Run:
    """What all series of a run share."""

    seed: int
    first_port: int
    folder: Path
    deadline: float  # by time.time(); whatever runs then is cut off
    postgres: KillablePostgres
    mysql_url: str
    results: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seconds = self.deadline - time.time()

    def run_all(self, wanted: Sequence[Series]) -> None:
        """Run the series in turn, as far as the time goes."""
        for number, series in enumerate(wanted):
            self._run(number, series, still_to_come=wanted[number:])

    def _end_of(self, series: Series, still_to_come: Sequence[Series]) -> float:
        """Return when the series is to begin nothing more: what others left over is shared."""
        left = self.deadline - time.time() - RESERVE * self.seconds
        return time.time() + left * series.share / sum(each.share for each in still_to_come)

    def _run(self, number: int, series: Series, *, still_to_come: Sequence[Series]) -> None:
        """Run one series, if there is time, and add what it came to."""
        if time.time() >= self.deadline:
            print(f"Not run, the time is over: {series.place}", flush=True)
            return
        folder = self.folder / f"series-{number}"
        folder.mkdir()
        with self._database(series, number) as (database, server_only):
            environment = shop_environment(database, EMAIL_FILE_PATH=str(folder / "mails"))
            if series.kind != "postgresql":
                migrate(environment)
            plan = {
                **vars(series),
                "folder": str(folder),
                "seed": self.seed + number,
                "port": self.first_port + 1,
                "threads": MYSQL_THREADS if series.kind == "mysql" else 8,
                "lanes": 1 if series.kind == "sqlite" else LANES,  # it has one writer
                "server_environment": server_only,
                "until": self._end_of(series, still_to_come),
            }
            try:
                self._run_inside(plan, environment)
            finally:  # what was done before it broke off counts, too
                with contextlib.suppress(FileNotFoundError):
                    self.results += json.loads((folder / "results.json").read_text())

    def _run_inside(self, plan: Mapping[str, Any], environment: Environment) -> None:
        command = [sys.executable, "-m", "tests.chaos.inside", json.dumps(plan)]
        log = Path(plan["folder"]) / "harness.log"
        with log.open("wb") as errors:  # a careless variant fills pages with what the sweeps meet
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors)
            try:
                while process.poll() is None and time.time() < self.deadline:
                    self._grant_kills(Path(plan["folder"]))
                    time.sleep(0.1)
            finally:
                process.terminate()
                process.wait()
        if process.returncode and time.time() < self.deadline:
            print(log.read_text()[-3000:])
            raise SystemExit(f"A series of attacks broke off (status {process.returncode}).")
        if time.time() >= self.deadline:
            print("The time is over: what was done so far counts.", flush=True)

    def _grant_kills(self, folder: Path) -> None:
        """Kill PostgreSQL as often as the wish says, starting it again each time."""
        wish = folder / KILL_WISH
        if not wish.exists():
            return
        wanted, made = json.loads(wish.read_text()), 0
        while made < wanted["times"] and time.time() < wanted["until"]:
            time.sleep(random.uniform(1, 4))
            self.postgres.kill()
            time.sleep(random.uniform(0, 1))
            self.postgres.start()
            made += 1
        (folder / KILLS_MADE).write_text(str(made))
        time.sleep(1)
        wish.unlink()

    @contextlib.contextmanager
    def _database(self, series: Series, number: int) -> Iterator[tuple[Environment, Environment]]:
        """Yield the harness's environment, and what differs in the server's."""
        with contextlib.ExitStack() as stack:
            if series.kind == "postgresql":
                name = f"chaos_{number}"
                self.postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
                database = self.postgres.environment(name)
            elif series.kind == "sqlite":
                database = stack.enter_context(sqlite_file())
            else:
                database = stack.enter_context(mysql_database(self.mysql_url))
            server_only: Environment = {}
            if series.is_far:
                port = self.first_port + 2
                target = int(database["DB_PORT"])
                stack.enter_context(far_away(port=port, target=target, delay_ms=FAR_MS))
                server_only["DB_PORT"] = str(port)
            if series.pause_ms:
                server_only["CHAOS_PAUSE_MS"] = str(series.pause_ms)
            yield database, server_only
