"""Which attacks make up the short and the long form, and how a series of them is run."""

import contextlib
import json
import math
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
import psycopg2

from tests.chaos.databases import (
    ENGINES,
    Environment,
    migrate,
    mysql_database,
    shop_environment,
    sqlite_file,
)
from tests.postgres import throwaway_postgres

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = 1
CALLERS = ("anonymous", "customer", "staff")
_FOREVER = 24 * 3600


@dataclass(frozen=True)
class Step:
    """One attack by some callers."""

    name: str
    attack: str  # hostile, lists, admin, fuzz, sqlmap, wapiti
    kinds: Sequence[str] = CALLERS
    most: int | None = None  # hostile values at each place; None: all
    of_forms: int = 0  # hostile values of each field of the admin's forms; 0: of some of them one
    shares: Mapping[str, float] = field(default_factory=dict)  # of the shots, by caller; else all
    fuzz: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = _FOREVER
    is_measured: bool = False  # whether the server's memory must stay as it is


@dataclass(frozen=True)
class Series:
    """Steps against one kind of database."""

    name: str
    kind: str  # postgresql, sqlite, mysql
    steps: Sequence[Step] = ()


_LISTS = Step("every list afterwards", "lists", kinds=("staff",))
_SHORT_SHARES = {"anonymous": 0.15, "customer": 0.25, "staff": 0.6}
_FEW_SHARES = {"anonymous": 0.05, "customer": 0.1, "staff": 0.35}
_MOST_CALLS = 100_000
_FEW_EXAMPLES = {"examples": 10, "stateful": 15, "calls": 0}
# Without the coverage phase: to think of its cases takes longer than all the rest.
_SHORT_FUZZ = Step("schemathesis", "fuzz", fuzz={**_FEW_EXAMPLES, "coverage": 0.0})
_FUZZ = Step("schemathesis", "fuzz", fuzz={**_FEW_EXAMPLES, "coverage": 0.04})
_SHORT_ATTACKS = (
    Step("hostile input", "hostile", most=1, shares=_SHORT_SHARES),
    _SHORT_FUZZ,
    _LISTS,
    Step("the admin site", "admin", kinds=("staff",), most=0),
)
_LONG_CORPUS = (
    Step("hostile input, warming up", "hostile", most=2),
    Step("hostile input, all of it", "hostile", is_measured=True),
    _LISTS,
)
# On other databases than PostgreSQL eight of the up to a hundred values of each place, and four of
# each place of the admin site.
_OTHERS_CORPUS = (
    Step("hostile input, warming up", "hostile", most=1),
    Step("hostile input, eight of a place", "hostile", most=8, is_measured=True),
    _LISTS,
)
_ADMIN = (
    Step("twelve values of each place", "admin", kinds=("staff",), most=12, of_forms=12),
    _LISTS,
)
_OTHERS_ADMIN = (
    Step("four values of each place", "admin", kinds=("staff",), most=4, of_forms=4),
    _LISTS,
)
_LONG_FUZZ = Step(
    "schemathesis",
    "fuzz",
    fuzz={"examples": 60, "coverage": 1.0, "stateful": 1_000, "calls": _MOST_CALLS},
)
_TOOLS = (
    Step("sqlmap as nobody", "sqlmap", kinds=("anonymous",), seconds=240),
    Step("sqlmap as a customer", "sqlmap", kinds=("customer",), seconds=480),
    Step("wapiti as nobody", "wapiti", kinds=("anonymous",), seconds=240),
    Step("wapiti as a customer", "wapiti", kinds=("customer",), seconds=480),
)
_FEW = (Step("hostile input", "hostile", most=1, shares=_FEW_SHARES), _LISTS)
SHORT: Sequence[Series] = (
    Series("PostgreSQL", "postgresql", _SHORT_ATTACKS),
    Series("SQLite", "sqlite", _FEW),
    Series("MariaDB", "mysql", _FEW),
)
FUZZ: Sequence[Series] = (Series("PostgreSQL", "postgresql", (_FUZZ, _LISTS)),)
LONG: Sequence[Series] = (
    Series("PostgreSQL corpus", "postgresql", _LONG_CORPUS),
    Series("PostgreSQL admin site", "postgresql", _ADMIN),
    Series("PostgreSQL schemathesis", "postgresql", (_LONG_FUZZ, _LISTS)),
    Series("SQLite corpus", "sqlite", _OTHERS_CORPUS),
    Series("SQLite admin site", "sqlite", _OTHERS_ADMIN),
    Series("SQLite schemathesis", "sqlite", (_LONG_FUZZ, _LISTS)),
    Series("MariaDB corpus", "mysql", _OTHERS_CORPUS),
    Series("MariaDB admin site", "mysql", _OTHERS_ADMIN),
    Series("Tools", "postgresql", _TOOLS),
)


@dataclass
class Run:
    """What all series of a run share."""

    seed: int
    port: int
    folder: Path
    until: float  # by time.time(); nothing is begun after it
    servers: contextlib.ExitStack
    calls: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def run(self, series: Series) -> None:
        """Run one series and keep its rows."""
        folder = self.folder / series.name
        folder.mkdir()
        with self._environment(series, folder) as environment:
            migrate(environment)
            rows = self._run_inside(series, folder, environment)
        self.rows += [{"place": series.name, **row} for row in rows]

    def _run_inside(
        self, series: Series, folder: Path, environment: Environment
    ) -> list[dict[str, Any]]:
        plan = {
            "place": series.name,
            "folder": str(folder),
            "port": self.port,
            "seed": self.seed,
            "until": self.until,
            "steps": [self._sized(step) for step in series.steps],
            "results": str(folder / "results.json"),
        }
        command = [sys.executable, "-m", "tests.security.inside", json.dumps(plan)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            status = process.wait()
        finally:
            process.terminate()  # it ends its server
            process.wait()
        if status:
            raise SystemExit(f"A series of attacks broke off (status {status}).")
        rows: list[dict[str, Any]] = json.loads((folder / "results.json").read_text())["rows"]
        return rows

    def _sized(self, step: Step) -> dict[str, Any]:
        """Return the step with its share of the calls that were asked for."""
        sized, asked = vars(step).copy(), step.fuzz
        if asked.get("calls"):
            share = self.calls / asked["calls"]
            sized["fuzz"] = {
                "examples": math.ceil(asked["examples"] * share),
                "coverage": min(1.0, asked["coverage"] * share),
                "stateful": math.ceil(asked["stateful"] * share),
                "calls": math.ceil(self.calls / len(step.kinds)),
            }
        return sized

    @contextlib.contextmanager
    def _environment(self, series: Series, folder: Path) -> Iterator[Environment]:
        """Yield the environment of a production shop on a database of its own."""
        with contextlib.ExitStack() as stack:
            if series.kind == "sqlite":
                database = stack.enter_context(sqlite_file())
            elif series.kind == "mysql":
                database = stack.enter_context(mysql_database(os.environ["TEST_MYSQL_URL"]))
            else:
                url = os.environ.get("TEST_DATABASE_URL", "")
                if not url.startswith("postgres"):
                    url = self.servers.enter_context(throwaway_postgres())
                database = stack.enter_context(_postgres_database(url))
            further = {name: os.environ[name] for name in ("SECURITY_TOOLS",) if name in os.environ}
            yield shop_environment(
                database,
                **further,
                DJANGO_SETTINGS_MODULE="tests.security.settings",
                EMAIL_FILE_PATH=str(folder / "mails"),
                MEDIA_ROOT=str(folder / "media"),
                # So that its webhook has a door; nothing reaches Stripe from here.
                STRIPE_SECRET_KEY="sk_test_attacked",
                STRIPE_WEBHOOK_SECRET="whsec_attacked",
                STRIPE_API_BASE="http://127.0.0.1:9",
            )


@contextlib.contextmanager
def _postgres_database(url: str) -> Iterator[Environment]:
    """Have an empty database on that server for as long as the block lasts."""
    server = environ.Env.db_url_config(url)
    name = f"security_{secrets.token_hex(4)}"

    def execute(statement: str) -> None:
        connection = psycopg2.connect(
            dbname="postgres",
            user=server["USER"],
            password=server["PASSWORD"],
            host=server["HOST"],
            port=server["PORT"] or 5432,
        )
        connection.autocommit = True
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    execute(f"CREATE DATABASE {name}")
    try:
        yield {
            "DB_ENGINE": ENGINES["postgresql"],
            "DB_NAME": name,
            "DB_USER": server["USER"],
            "DB_PASSWORD": server["PASSWORD"],
            "DB_HOST": server["HOST"],
            "DB_PORT": str(server["PORT"] or 5432),
        }
    finally:
        execute(f"DROP DATABASE {name} WITH (FORCE)")
