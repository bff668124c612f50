"""The shop that is measured: its settings, its database, the server they share.

BENCH_POSTGRES_URL names a PostgreSQL on this machine where databases may be made; they are kept
and used again. Without it a throw-away server is made, and a catalogue of a million products is
made anew every time.
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


def database_for(server: str, products: int) -> dict[str, str]:
    """Return the settings of the database of the shop with so many products; make it if need be."""
    parts, name = urlsplit(server), f"bench_{products}"
    connection = psycopg2.connect(server)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return {
        "DB_ENGINE": "django.db.backends.postgresql",
        "DB_NAME": name,
        "DB_USER": parts.username or "",
        "DB_PASSWORD": parts.password or "",
        "DB_HOST": parts.hostname or "",
        "DB_PORT": str(parts.port or ""),
    }


def environment_for(database: Mapping[str, str]) -> dict[str, str]:
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
        **database,
    }
