"""The databases under attack: a PostgreSQL of our own that may be killed, SQLite, MariaDB."""

import contextlib
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg2
import pymysql

from tests import postgres

ROOT = Path(__file__).resolve().parent.parent.parent
# As the tests' throw-away server, but an acknowledged commit is one that survives a kill -9.
SAFE_SETTINGS = {
    **postgres.SERVER_SETTINGS,
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "deadlock_timeout": "200ms",
}
ENGINES = {
    "postgresql": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
    "mysql": "django.db.backends.mysql",
}
Environment = dict[str, str]


def shop_environment(database: Environment, **further: str) -> Environment:
    """Return the environment of a production shop on this database, and nothing of ours."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "SHOP_ENV_FILE": os.devnull,
        "SECRET_KEY": "attacked-in-a-test-with-more-than-32-characters",
        "PAYMENT_PROVIDER": "sandbox",
        "PAYMENT_SANDBOX_ALLOWED": "True",
        "RATE_LIMITS": "off",
        "PASSWORDS_AT_ONCE": "8",  # as many as a process has threads: nobody is to be turned away
        "OUTBOX_DELIVERY": "worker",  # the harness sweeps when it judges; the server sends at once
        **database,
        **further,
    }


def migrate(environment: Environment) -> None:
    """Make the tables of the shop."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


class KillablePostgres:
    """A PostgreSQL on a data folder of its own, which can be killed and started again."""

    def __init__(self, cluster: postgres.Cluster, port: int) -> None:
        self.cluster, self.port = cluster, port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where the server says what happened to it."""
        return self.cluster.folder / "log"

    def start(self) -> None:
        """Start the server and wait until it accepts connections, recovery included."""
        settings = [f"--{name}={value}" for name, value in SAFE_SETTINGS.items()]
        command = [str(self.cluster.binaries / "postgres"), "-D", "data", "-p", str(self.port)]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a group of its own, which is killed as one
                **self.cluster.options,
            )
        if not postgres.is_ready(self._process, self.cluster.folder / "data" / "postmaster.pid"):
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End the server and all its processes with kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the server at once, but in order."""
        self._end(signal.SIGQUIT)

    def _end(self, signal_number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if signal_number == signal.SIGKILL:
                    os.killpg(self._process.pid, signal_number)
                else:
                    self._process.send_signal(signal_number)
            self._process.wait(timeout=60)

    def environment(self, name: str) -> Environment:
        """Return what tells the shop to use this database of the server."""
        return {
            "DB_ENGINE": ENGINES["postgresql"],
            "DB_NAME": name,
            "DB_USER": "postgres",
            "DB_PASSWORD": self.cluster.password,
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.port),
        }

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement outside any transaction, and return its rows."""
        return execute(statement, port=self.port, password=self.cluster.password)


def execute(
    statement: str, *, port: int, password: str, database: str = "postgres"
) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own, and return its rows."""
    connection = psycopg2.connect(
        dbname=database, user="postgres", password=password, host="127.0.0.1", port=port
    )
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@contextlib.contextmanager
def killable_postgres(port: int) -> Iterator[KillablePostgres]:
    """Have a PostgreSQL of our own on this port for as long as the block lasts."""
    with contextlib.ExitStack() as leftovers:
        server = KillablePostgres(postgres.new_cluster(postgres.find_binaries(), leftovers), port)
        leftovers.callback(server.stop)
        server.start()
        yield server


@contextlib.contextmanager
def sqlite_file() -> Iterator[Environment]:
    """Have an empty SQLite file for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="shop-chaos-") as folder:
        yield {"DB_ENGINE": ENGINES["sqlite"], "DB_NAME": str(Path(folder) / "shop.sqlite3")}


@contextlib.contextmanager
def mysql_database(url: str) -> Iterator[Environment]:
    """Have an empty database on that server for as long as the block lasts."""
    parts = environ.Env.db_url_config(url)
    name = f"chaos_{secrets.token_hex(4)}"
    server = {
        "host": parts["HOST"],
        "user": parts["USER"],
        "password": parts["PASSWORD"] or "",
        "port": int(parts["PORT"] or 3306),
    }

    def execute(statement: str) -> None:
        connection = pymysql.connect(**server)
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield {
            "DB_ENGINE": ENGINES["mysql"],
            "DB_NAME": name,
            "DB_USER": server["user"],
            "DB_PASSWORD": server["password"],
            "DB_HOST": server["host"],
            "DB_PORT": str(server["port"]),
        }
    finally:
        execute(f"DROP DATABASE {name}")


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row that nothing listens on now.

    Below those that the system itself hands out, so that none is taken until we use it.
    """
    while True:
        first = random.randrange(20_000, 32_000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def wait_for_port(port: int, *, seconds: float = 60) -> None:
    """Return once something listens there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")
