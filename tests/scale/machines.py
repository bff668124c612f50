"""The machines: a primary, a replica that follows it, a pooler before both, and Redis."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import postgres
from tests.chaos.databases import (
    Environment,
    KillablePostgres,
    execute,
    killable_postgres,
    wait_for_port,
)

DATABASE, REPLICA = "scale", "scale_replica"
PORTS = 6  # primary, replica, pooler, Redis, two app servers
MAX_LAG_SECONDS = 5
# Few, so that the app servers' connections have to share them.
POOL_SIZE = 6
PROGRAM_FOLDERS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"


class Missing(Exception):
    """A program that this needs is not on the machine; the message names it."""


def find_programs() -> tuple[Path, str, str | None]:
    """Return PostgreSQL's binaries, PgBouncer and, if there is one, Redis.

    :raises Missing: one of the first two is not here.
    """
    try:
        binaries = postgres.find_binaries()
    except postgres.PostgresUnavailable as error:
        raise Missing(error.reason) from error
    if not (binaries / "pg_basebackup").exists():
        raise Missing(f"{binaries} has no pg_basebackup")
    pooler = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=PROGRAM_FOLDERS)
    if pooler is None:
        raise Missing("there is no pgbouncer (apt-get install pgbouncer)")
    return binaries, pooler, shutil.which("redis-server")


@dataclass
class Machines:
    """What runs beside the app servers."""

    primary: KillablePostgres
    replica: KillablePostgres
    pooler_port: int
    redis_port: int | None
    first_app_port: int
    folder: Path

    @property
    def password(self) -> str:
        """The password of the databases' only user."""
        return self.primary.cluster.password

    def direct(self) -> Environment:
        """Return the environment of a process that speaks to the primary itself."""
        return self.primary.environment(DATABASE)

    def pooled(self) -> Environment:
        """Return the environment of an app server: pooler, replica and Redis."""
        return {
            **self.direct(),
            "DB_PORT": str(self.pooler_port),
            "DB_POOLED": "True",
            "DB_REPLICA_HOST": "127.0.0.1",
            "DB_REPLICA_NAME": REPLICA,
            "DB_REPLICA_MAX_LAG_SECONDS": str(MAX_LAG_SECONDS),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0" if self.redis_port else "",
        }

    def ask_pooler(self, statement: str, database: str = DATABASE) -> list[tuple[Any, ...]]:
        """Run one statement through the pooler; its own console is the database ``pgbouncer``."""
        return execute(statement, port=self.pooler_port, password=self.password, database=database)

    def transactions_of(self, database: str) -> int:
        """Return how many transactions the pooler has passed on to one of its databases."""
        rows = self.ask_pooler("SHOW STATS_TOTALS", "pgbouncer")
        return int(sum(row[1] for row in rows if row[0] == database))


@contextlib.contextmanager
def running(first_port: int, folder: Path) -> Iterator[Machines]:
    """Have them all for as long as the block lasts.

    :raises Missing: a program is not on this machine.
    """
    _, pooler, redis = find_programs()
    with contextlib.ExitStack() as leftovers:
        primary = leftovers.enter_context(killable_postgres(first_port))
        primary.execute(f"CREATE DATABASE {DATABASE}")
        cluster = postgres.standby_of(primary.cluster, primary.port, leftovers)
        replica = KillablePostgres(cluster, first_port + 1)
        leftovers.callback(replica.stop)
        replica.start()
        machines = Machines(
            primary,
            replica,
            pooler_port=first_port + 2,
            redis_port=first_port + 3 if redis else None,
            first_app_port=first_port + 4,
            folder=folder,
        )
        _start(_pooler_command(pooler, machines), machines.pooler_port, machines, leftovers)
        if redis:
            options = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
            command = [redis, "--port", str(machines.redis_port), *options]
            _start(command, first_port + 3, machines, leftovers)
        yield machines


def _start(
    command: list[str], port: int, machines: Machines, leftovers: contextlib.ExitStack
) -> None:
    """Start a program as the databases' unprivileged user, and wait until it listens."""
    options = machines.replica.cluster.options
    with (machines.folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, **options)
    leftovers.callback(process.wait, timeout=15)
    leftovers.callback(process.terminate)
    wait_for_port(port)


def _pooler_command(program: str, machines: Machines) -> list[str]:
    cluster = machines.replica.cluster
    users, settings = cluster.folder / "users.txt", cluster.folder / "pgbouncer.ini"
    users.write_text(f'"postgres" "{machines.password}"\n')
    settings.write_text(f"""
[databases]
{DATABASE} = host=127.0.0.1 port={machines.primary.port}
{REPLICA} = host=127.0.0.1 port={machines.replica.port} dbname={DATABASE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {machines.pooler_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = postgres
pool_mode = transaction
default_pool_size = {POOL_SIZE}
max_client_conn = 300
server_login_retry = 1
server_connect_timeout = 2
query_wait_timeout = 5
log_connections = 0
log_disconnections = 0
""")
    if "user" in cluster.options:
        for path in (users, settings):
            shutil.chown(path, cluster.options["user"], cluster.options["group"])
    users.chmod(0o600)
    return [program, str(settings)]
