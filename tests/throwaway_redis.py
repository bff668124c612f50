"""A Redis of the tests' own, which may be stopped; or the one that TEST_REDIS_URL names."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

START_TIMEOUT_SECONDS = 10


@contextlib.contextmanager
def throwaway_redis() -> Iterator[str]:
    """Give the URL of a Redis; skip the test where there is none."""
    configured = os.environ.get("TEST_REDIS_URL")
    program = shutil.which("redis-server")
    if configured:
        yield configured
    elif program is None:
        pytest.skip("no redis-server is installed, and TEST_REDIS_URL names none")
    else:
        port = _free_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
            try:
                _wait_for(port)
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
