"""Servers under measurement, and the processor time and memory that they take.

BENCH_PORTS=23000-23099 keeps their ports within a range; otherwise the system chooses.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg2

from benchmarks.environment import LOOPBACK

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_SECONDS = 60
WORKERS, THREADS = 2, 4
SHOP, FLOOR = "shop_backend.wsgi:application", "benchmarks.floor:application"
_OWN_NAME = "benchmarks"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """One running server."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        """Return what it and its workers have used so far."""
        return _of_tree(self.pid)

    def workers(self) -> list[int]:
        """Return the process ids of those that answer requests."""
        return children_of(self.pid)


@contextlib.contextmanager
def serving(
    application: str, environment: Mapping[str, str], *, root: Path = ROOT, workers: int = WORKERS
) -> Iterator[Server]:
    """Serve a WSGI application as ``make serve`` does, on a free port of the loopback address."""
    with tempfile.TemporaryFile() as told:  # of interest only if it does not start
        process, port = _start(application, environment, root, workers, told)
        try:
            _wait_for(process, port, told)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def _start(
    application: str, environment: Mapping[str, str], root: Path, workers: int, told: IO[bytes]
) -> tuple["subprocess.Popen[bytes]", int]:
    port = _free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", application, "--bind", f"{LOOPBACK}:{port}",
            "--worker-class", "gthread", "--workers", str(workers), "--threads", str(THREADS),
            "--no-control-socket", "--log-level", "error",
            # Clients that wait while another is measured are not to be hung up on.
            "--keep-alive", "75",
        ],
        cwd=root,
        env={**environment, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=told,
    )  # fmt: skip
    return process, port


def _free_port() -> int:
    first, _, last = os.environ.get("BENCH_PORTS", "0-0").partition("-")
    for port in range(int(first), int(last) + 1):
        with contextlib.suppress(OSError), socket.create_server((LOOPBACK, port)) as free:
            found: int = free.getsockname()[1]
            return found
    raise RuntimeError(f"No port of {first} to {last} is free.")


def _wait_for(process: "subprocess.Popen[bytes]", port: int, told: IO[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        if process.poll() is not None:
            told.seek(0)
            raise RuntimeError(f"The server does not start: {told.read().decode()[-2_000:]}")
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Postgres:
    """The server below, of which the processor time is told.

    Where nobody else uses it, everything that it does is counted. Otherwise it is the backends
    that serve our databases: what the whole server does besides is left out.
    """

    def __init__(self, url: str, databases: Sequence[str]) -> None:
        self.databases = list(databases)
        self.connection = psycopg2.connect(url, application_name=_OWN_NAME)
        self.connection.autocommit = True
        self.postmaster = parent_of(self.connection.info.backend_pid)
        self.seen: dict[int, float] = {}  # ended backends too
        others = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname <> ALL(%s) AND application_name <> %s"
        )
        self.is_shared = bool(self._ask(others, self.databases, _OWN_NAME)[0][0])

    def processor_seconds(self) -> float:
        """Return what it has used so far; only differences mean something."""
        if not self.is_shared:
            return _of_tree(self.postmaster)
        ours = "SELECT pid FROM pg_stat_activity WHERE datname = ANY(%s)"
        for (pid,) in self._ask(ours, self.databases):
            self.seen[pid] = max(self.seen.get(pid, 0.0), _of_process(pid))
        return sum(self.seen.values())

    def free_connections(self) -> int:
        """Return how many more clients it would let in."""
        ((free,),) = self._ask(
            "SELECT current_setting('max_connections')::int"
            " - (SELECT count(*)::int FROM pg_stat_activity)"
        )
        return free

    def close(self) -> None:
        """Let go of the connection that asks."""
        self.connection.close()

    def _ask(self, question: str, *values: object) -> list[tuple[int, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(question, values)
            found: list[tuple[int, ...]] = cursor.fetchall()
            return found


@dataclass(frozen=True)
class Memory:
    """Megabytes of one process: its share of what is shared (PSS), and all it maps (RSS)."""

    pss: float
    rss: float


def memory_of(pid: int) -> Memory:
    """Return what /proc says of a process of ours."""
    return memory_in(Path(f"/proc/{pid}/smaps_rollup").read_text())


def memory_in(rollup: str) -> Memory:
    """Read /proc/PID/smaps_rollup (proc(5)); megabytes are of 1,000,000 bytes."""
    found = dict(re.findall(r"^(Pss|Rss):\s+(\d+) kB$", rollup, re.MULTILINE))
    return Memory(int(found["Pss"]) * 1024 / 1e6, int(found["Rss"]) * 1024 / 1e6)


def children_of(pid: int) -> list[int]:
    """Return the living children of a process."""
    return _children().get(pid, [])


def parent_of(pid: int) -> int:
    """Return who started a process."""
    return int(_stat(pid)[1])


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(parent_of(int(entry)), []).append(int(entry))
    return children


def _of_tree(pid: int) -> float:
    """Add up a process, its living descendants, and the children it has buried."""
    total, todo, children = 0.0, [pid], _children()
    while todo:
        current = todo.pop()
        todo += children.get(current, [])
        total += _of_process(current)
    return total


def _of_process(pid: int) -> float:
    with contextlib.suppress(OSError):
        return seconds_in(_stat(pid))
    return 0.0


def seconds_in(stat: Sequence[str]) -> float:
    """Return the processor time of a process and the children it has buried (proc(5))."""
    return sum(int(field) for field in stat[11:15]) / _TICKS


def _stat(pid: int) -> list[str]:
    return fields_of(Path(f"/proc/{pid}/stat").read_text())


def fields_of(stat: str) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; the name may hold anything."""
    return stat.rpartition(")")[2].split()
