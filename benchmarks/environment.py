"""The shop that is measured: its settings, its database, the server they share.

BENCH_POSTGRES_URL names a PostgreSQL on this machine where databases may be made; they are kept
and used again. Without it a throw-away server is made, and a catalogue of a million products is
made anew every time. BENCH_PREFIX is what the databases' names begin with (``bench``).
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

from tests.postgres import throwaway_postgres

LOOPBACK = "127.0.0.1"


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Give the URL of the server in whose databases the shops live."""
    configured = os.environ.get("BENCH_POSTGRES_URL")
    if configured:
        yield configured
        return
    with throwaway_postgres() as url:
        yield url


def database_name(products: int, *, purpose: str = "") -> str:
    """Return what the database of the shop with so many products is called."""
    prefix = os.environ.get("BENCH_PREFIX", "bench")
    return "_".join(filter(None, [prefix, str(products), purpose]))


def exists(server: str, name: str) -> bool:
    """Return whether the server has a database of that name."""
    with contextlib.closing(psycopg2.connect(server)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def make_database(server: str, name: str) -> dict[str, str]:
    """Return the settings of the database of that name; make it if need be."""
    if not exists(server, name):
        _run(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    parts = urlsplit(server)
    return {
        "DB_ENGINE": "django.db.backends.postgresql",
        "DB_NAME": name,
        "DB_USER": parts.username or "",
        "DB_PASSWORD": parts.password or "",
        "DB_HOST": parts.hostname or "",
        "DB_PORT": str(parts.port or ""),
    }


def drop_database(server: str, name: str) -> None:
    """Remove a database that was made for one run."""
    _run(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def environment_for(database: Mapping[str, str], **own: str) -> dict[str, str]:
    """Return a production shop's whole environment; what is set in our shell does not count."""
    return {
        "PATH": os.environ["PATH"],
        "SHOP_ENV_FILE": os.devnull,
        "SECRET_KEY": os.environ.setdefault("BENCH_SECRET_KEY", secrets.token_urlsafe(40)),
        "DEBUG": "False",
        "ALLOWED_HOSTS": LOOPBACK,
        "RATE_LIMITS": "off",
        "PAYMENT_PROVIDER": "sandbox",
        "PAYMENT_SANDBOX_ALLOWED": "True",
        "OUTBOX_DELIVERY": "worker",
        "SHOP_CURRENCY": "GBP",
        "DJANGO_SETTINGS_MODULE": "shop_backend.settings",
        "PYTHONWARNINGS": "ignore",
        **database,
        **own,
    }


def connect(environment: Mapping[str, str]) -> psycopg2.extensions.connection:
    """Return a bare connection, in autocommit, to the database of an environment."""
    connection = psycopg2.connect(
        dbname=environment["DB_NAME"],
        user=environment["DB_USER"],
        password=environment["DB_PASSWORD"],
        host=environment["DB_HOST"],
        port=environment["DB_PORT"],
    )
    connection.autocommit = True
    return connection


def _run(server: str, statement: sql.Composable) -> None:
    connection = psycopg2.connect(server)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
