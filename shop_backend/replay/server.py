"""A production server of its own for the run, as ``make serve`` starts one."""

import socket
import subprocess  # nosec B404
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings

HOST = "127.0.0.1"
WORKERS = 2
THREADS = 4
PATIENCE_SECONDS = 60
GRACE_SECONDS = 40


class ServerDidNotStart(Exception):
    """The server ended, or never answered."""


@contextmanager
def own_server(port: int | None = None) -> Iterator[str]:
    """Serve the shop on a loopback port, with its worker, until the block ends; yield the address.

    Its rate limits are off (RATE_LIMITS=off, which the settings allow on loopback hosts alone).
    """
    port = port or _free_port()
    # Beside what is set already: the settings alone read the environment.
    further = ["env", "RATE_LIMITS=off", f"ALLOWED_HOSTS={HOST},localhost"]
    gunicorn = ["-m", "gunicorn", "shop_backend.wsgi", "--bind", f"{HOST}:{port}"]
    gunicorn += ["--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)]
    gunicorn += ["--no-control-socket", "--log-level", "warning"]
    commands = [gunicorn, ["manage.py", "run_worker"]]
    # In sessions of their own they miss the terminal's Ctrl-C: we end them, when all is done.
    processes = [
        subprocess.Popen(  # nosec B603  # our own words alone
            [*further, sys.executable, *command],
            cwd=settings.BASE_DIR,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for command in commands
    ]
    try:
        _wait_until_ready(f"http://{HOST}:{port}", processes[0])
        yield f"http://{HOST}:{port}"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=GRACE_SECONDS)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerDidNotStart(f"gunicorn ended with status {process.returncode}.")
        try:
            with urlopen(f"{url}/health/ready/", timeout=5):  # nosec B310  # a server of our own
                return
        except (URLError, OSError):
            time.sleep(0.1)  # it is starting
    raise ServerDidNotStart(f"It did not answer within {PATIENCE_SECONDS} s.")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port
