"""Which series make up the short and the long form, and how one is run."""

import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
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
KILL_WISH = "kill-the-database"  # what tests.chaos.drills.crashes asks us by
FAR_MS = 20
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
            "Failpoints": 9,
            "Webhook chaos": 30,
            "kill -9 of workers": 6,
            "kill -9 of PostgreSQL": 2,
        },
    ),
)
LONG: tuple[Series, ...] = (
    Series("PostgreSQL", "postgresql", rounds=20, is_naive=True, share=0.08),
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
        share=0.3,
    ),
    Series("PostgreSQL", "postgresql", rounds=200, share=0.35),
    Series("PostgreSQL, 20 ms away", "postgresql", rounds=10, is_far=True, share=0.06),
    Series("SQLite", "sqlite", rounds=50, share=0.08),
    Series("SQLite, 20 ms pause", "sqlite", rounds=10, pause_ms=FAR_MS, share=0.04),
    Series("MariaDB", "mysql", rounds=50, share=0.06),
    Series("MariaDB, 20 ms away", "mysql", rounds=10, is_far=True, share=0.03),
)


@dataclass
class Run:
    """What all series of a run share."""

    seed: int
    first_port: int
    folder: Path
    deadline: float  # by time.time(); whatever runs then is cut off
    postgres: KillablePostgres | None
    mysql_url: str
    results: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seconds = self.deadline - time.time()

    def run(self, number: int, series: Series) -> None:
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
                "server_environment": server_only,
                "until": min(self.deadline, time.time() + series.share * self.seconds),
            }
            try:
                self._run_inside(plan, environment)
            finally:  # what was done before it broke off counts, too
                with contextlib.suppress(FileNotFoundError):
                    self.results += json.loads((folder / "results.json").read_text())

    def _run_inside(self, plan: Mapping[str, Any], environment: Environment) -> None:
        command = [sys.executable, "-m", "tests.chaos.inside", json.dumps(plan)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            while process.poll() is None and time.time() < self.deadline:
                self._grant_kills(Path(plan["folder"]) / KILL_WISH)
                time.sleep(0.2)
        finally:
            process.terminate()
            process.wait()
        if time.time() >= self.deadline:
            print("The time is over: what was done so far counts.", flush=True)
        elif process.returncode:
            raise SystemExit(f"A series of attacks broke off (status {process.returncode}).")

    def _grant_kills(self, wish: Path) -> None:
        """Kill PostgreSQL as often as the wish says, starting it again each time."""
        if self.postgres is None or not wish.exists():
            return
        for _ in range(int(wish.read_text() or 0)):
            time.sleep(random.uniform(1, 4))
            self.postgres.kill()
            time.sleep(random.uniform(0, 1))
            self.postgres.start()
        time.sleep(1)
        wish.unlink()

    @contextlib.contextmanager
    def _database(self, series: Series, number: int) -> Iterator[tuple[Environment, Environment]]:
        """Yield the harness's environment, and what differs in the server's."""
        with contextlib.ExitStack() as stack:
            if series.kind == "postgresql":
                assert self.postgres is not None
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
