"""Servers under measurement, and the processor time that they and PostgreSQL have used."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from benchmarks.environment import LOOPBACK

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_SECONDS = 60
WORKERS, THREADS = 2, 4
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """One running server."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        """Return what it and its workers have used so far."""
        return _of_tree(self.pid)


@contextlib.contextmanager
def serving(
    application: str, environment: Mapping[str, str], *, root: Path = ROOT
) -> Iterator[Server]:
    """Serve a WSGI application as ``make serve`` does, on a free port of the loopback address."""
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", application, "--bind", f"{LOOPBACK}:{port}",
            "--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS),
            "--no-control-socket", "--log-level", "error",
        ],
        cwd=root,
        env={**environment, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(process, port)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with status {process.returncode}.")
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def postmaster_of(server_url: str) -> int:
    """Return the process id of the PostgreSQL at this address, which must be on this machine."""
    with contextlib.closing(psycopg2.connect(server_url)) as connection:
        return _parent_of(connection.info.backend_pid)


def processor_seconds_of(postmaster: int) -> float:
    """Return what PostgreSQL and its backends, ended ones too, have used so far."""
    return _of_tree(postmaster)


def _of_tree(pid: int) -> float:
    """Add up a process, its living descendants, and the children it has buried."""
    total, todo = 0, [pid]
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(_parent_of(int(entry)), []).append(int(entry))
    while todo:
        current = todo.pop()
        todo += children.get(current, [])
        with contextlib.suppress(OSError):
            total += sum(int(field) for field in _stat(current)[11:15])
    return total / _TICKS


def _parent_of(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
