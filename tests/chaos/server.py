"""The shop as production runs it: gunicorn, several workers, several threads each."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tests.chaos import wire

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS, THREADS = 4, 8
START_TIMEOUT_SECONDS = 90


class Server:
    """A running gunicorn."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: IO[Any]) -> None:
        self._process, self._log = process, log
        self.folder = Path(log.name).parent
        self.address: wire.Address = ("127.0.0.1", port)
        self.field = threading.RLock()  # held by whoever fires

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers that run now."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_worker(self, pid: int) -> None:
        """End one worker with kill -9; gunicorn starts another."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def wait_until_ready(self) -> None:
        """Return once the shop answers and reaches its database.

        :raises RuntimeError: it never does.
        """
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        probe = wire.Request("GET", "/health/ready/")
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if wire.call(self.address, probe, timeout_seconds=5).status == 200:
                return
            time.sleep(0.1)
        raise RuntimeError(f"The server is not ready; its log is {self._log.name}.")

    def kill(self) -> None:
        """End the server and its workers with kill -9."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End the server and its workers."""
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextlib.contextmanager
def serving(
    *,
    port: int,
    log: Path,
    wsgi: str = "shop_backend.wsgi",
    workers: int = WORKERS,
    threads: int = THREADS,
    environment: Mapping[str, str],
) -> Iterator[Server]:
    """Serve the shop of this process's environment until the block ends.

    :param wsgi: the module of the application; the attacks themselves use the shop's own.
    :param environment: more of it, for the server alone.
    """
    command = [sys.executable, "-m", "gunicorn", wsgi, "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
    # Loaded once and forked: a killed worker is back in milliseconds, so that kills can be many.
    command += ["--no-control-socket", "--preload", "--timeout", "120", "--graceful-timeout", "3"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "OUTBOX_DELIVERY": "thread", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        server = Server(process, port, output)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()
