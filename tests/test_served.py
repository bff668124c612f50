"""The shop as it is served: both servers, demo data, one purchase over real HTTP."""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import environ
import psycopg2
import pytest

from tests.smoke import buy

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 60


def environment_for(database: dict[str, str], **further: str) -> dict[str, str]:
    """Return the environment of a shop on this database, and nothing of ours."""
    return {
        "PATH": os.environ["PATH"],
        "SHOP_ENV_FILE": os.devnull,
        "SECRET_KEY": "served-in-a-test-with-more-than-32-characters",
        "PAYMENT_PROVIDER": "sandbox",
        "PAYMENT_SANDBOX_ALLOWED": "True",
        **database,
        **further,
    }


def manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )


@contextmanager
def serving(environment: dict[str, str], *command: str, port: int) -> Iterator[str]:
    """Run a server until the block ends; yield its address once it answers."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(base, process)
        yield base
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_ready(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended by itself"
        try:
            with urlopen(f"{base}/health/ready/", timeout=5) as response:
                assert response.status == 200
                return
        except URLError:
            time.sleep(0.1)  # it is starting
    raise AssertionError("the server never got ready")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_the_development_server_sells_on_sqlite(tmp_path):
    mails = str(tmp_path / "mails")
    environment = environment_for(
        {"DB_NAME": str(tmp_path / "shop.sqlite3")}, DEBUG="True", EMAIL_FILE_PATH=mails
    )
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "load_demo")
    manage(environment, "load_demo")  # again is harmless
    port = free_port()

    with serving(environment, "manage.py", "runserver", "--noreload", f"{port}", port=port) as base:
        order = buy(base)

    assert order["status"] == "shipped"


@pytest.mark.concurrency
def test_the_production_server_sells_on_postgresql(tmp_path):
    url = environ.Env().db_url("TEST_DATABASE_URL")
    server = {
        "DB_ENGINE": "django.db.backends.postgresql",
        "DB_NAME": f"served_{uuid.uuid4().hex[:12]}",
        "DB_USER": str(url["USER"]),
        "DB_PASSWORD": str(url["PASSWORD"]),
        "DB_HOST": str(url["HOST"]),
        "DB_PORT": str(url["PORT"]),
    }
    port = free_port()
    production = environment_for(server, EMAIL_FILE_PATH=str(tmp_path / "mails"))
    with database(server):
        manage(production, "migrate", "--verbosity", "0")
        manage({**production, "DEBUG": "True"}, "load_demo")
        gunicorn = ["-m", "gunicorn", "shop_backend.wsgi", "-k", "gthread", "-w", "2"]
        options = ["--threads", "4", "--no-control-socket", "--bind", f"127.0.0.1:{port}"]

        with serving(production, *gunicorn, *options, port=port) as base:
            order = buy(base)

    assert order["status"] == "shipped"


@contextmanager
def database(server: dict[str, str]) -> Iterator[None]:
    """Have a database of that name for as long as the block lasts."""
    connection = psycopg2.connect(
        dbname="postgres",
        user=server["DB_USER"],
        password=server["DB_PASSWORD"],
        host=server["DB_HOST"],
        port=server["DB_PORT"] or None,
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{server["DB_NAME"]}"')
        try:
            yield
        finally:
            cursor.execute(f'DROP DATABASE "{server["DB_NAME"]}" WITH (FORCE)')
    connection.close()
