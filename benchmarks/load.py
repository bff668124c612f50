"""A closed loop of clients on connections that stay open, in one process and without a library.

Each client runs a script over and over: a generator that yields requests and is sent the
answers. What is timed is one run of the script.
"""

import json
import selectors
import socket
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.environment import LOOPBACK

TIMEOUT_SECONDS = 300


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes

    @property
    def payload(self) -> Any:
        """What the envelope holds."""
        return json.loads(self.body)["data"]

    def header(self, name: str) -> str:
        """Return the value of a header that the answer must have."""
        start = f"{name}:".lower().encode()
        for line in self.head.split(b"\r\n"):
            if line.lower().startswith(start):
                return line[len(start) :].strip().decode()
        raise UnexpectedAnswer(f"no {name} in {self.head!r}")


Script = Callable[[], Generator[bytes, Answer, None]]


class UnexpectedAnswer(Exception):
    """A script was refused: what was measured is not what was meant."""


@dataclass
class Outcome:
    """What a bounded run gave: latencies of whole scripts in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    requests: int = 0
    body_bytes: int = 0
    refused: int = 0
    own_processor: float = 0.0  # what the load itself took of the machine

    def percentile(self, share: float) -> float:
        """Return the latency that so large a share stayed within."""
        return percentile(self.latencies, share)


def percentile(latencies: Sequence[float], share: float) -> float:
    """Return the value that so large a share of them stayed within."""
    ordered = sorted(latencies)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def request(method: str, path: str, *, token: str = "", body: Any = None, **headers: str) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {LOOPBACK}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    payload = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    return "\r\n".join([*lines, "", ""]).encode() + payload


def run(port: int, scripts: Sequence[Script], *, seconds: float) -> Outcome:
    """Run one client for each script for so long; scripts that have begun are finished.

    :raises UnexpectedAnswer: a status beyond 399.
    """
    return run_together(port, {"": scripts}, seconds=seconds)[""]


def run_together(
    port: int,
    crowds: Mapping[str, Sequence[Script]],
    *,
    seconds: float,
    tolerated: frozenset[int] = frozenset(),
) -> dict[str, Outcome]:
    """Run several crowds of clients at once, and return what each met.

    :param tolerated: statuses that a script understands; they are counted as refused.
    :raises UnexpectedAnswer: any other status beyond 399.
    """
    outcomes = {name: Outcome() for name in crowds}
    clients = [
        _Client(port, script, outcomes[name], tolerated)
        for name, scripts in crowds.items()
        for script in scripts
    ]
    started, processor = time.perf_counter(), time.process_time()
    _drive(clients, until=started + seconds)
    for outcome in outcomes.values():
        outcome.seconds = time.perf_counter() - started
        outcome.own_processor = (time.process_time() - processor) / len(outcomes)
    return outcomes


def _drive(clients: "Sequence[_Client]", *, until: float) -> None:
    selector, busy = selectors.DefaultSelector(), 0
    for client in clients:
        if client.begin():
            selector.register(client.socket, selectors.EVENT_READ, client)
            busy += 1
    while busy:
        ready = selector.select(TIMEOUT_SECONDS)
        if not ready:
            raise UnexpectedAnswer(f"nothing for {TIMEOUT_SECONDS} s")
        for key, _ in ready:
            is_over = time.perf_counter() >= until
            if key.data.receive() and (is_over or not key.data.begin()):
                selector.unregister(key.data.socket)
                busy -= 1
    for client in clients:
        client.socket.close()


def alternate(
    sides: Sequence[tuple[int, Script]], *, turns: int, seconds: float, patience: float
) -> list[Outcome]:
    """Run scripts on their ports one after the other, so many times; return what each met.

    Noise of the machine meets all of them alike, so that their latencies can be compared.

    :param seconds: after so many there are no more turns, but three there always are.
    :param patience: seconds; after whoever is not answered by then, nobody is asked again.
    """
    outcomes = [Outcome() for _ in sides]
    clients = [
        _Client(port, script, outcome, frozenset())
        for (port, script), outcome in zip(sides, outcomes, strict=True)
    ]
    for client in clients:
        client.socket.settimeout(patience)
    started = time.perf_counter()
    for turn in range(turns + 1):
        if turn > 3 and time.perf_counter() - started > seconds:
            break
        at = turn % len(clients)
        if not all([_is_answered(client) for client in clients[at:] + clients[:at]]):
            break
    for client in clients:
        client.socket.close()
        if len(client.outcome.latencies) > 1:
            del client.outcome.latencies[0]  # it warmed up
    return outcomes


def _is_answered(client: "_Client") -> bool:
    """Run a client's script once; one that is not answered has taken as long as we waited."""
    client.begin()
    try:
        while not client.receive():
            pass
    except TimeoutError:
        client.outcome.latencies = [time.perf_counter() - client.began]
        return False
    return True


class _Client:
    def __init__(
        self, port: int, script: Script, outcome: Outcome, tolerated: frozenset[int]
    ) -> None:
        self.socket = socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.script, self.outcome, self.tolerated = script, outcome, tolerated
        self.buffer, self.wanted = b"", 0

    def begin(self) -> bool:
        """Send the first request of the script; return whether there is one."""
        self.run = self.script()
        self.began = time.perf_counter()
        return self._send(next(self.run, None))

    def receive(self) -> bool:
        """Take in what has come; return whether the script has ended."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise UnexpectedAnswer("the server hung up")
        self.buffer += chunk
        if not self.wanted:
            head, found, _ = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return False
            self.head = head
            if head[9:12] == b"304":
                self.wanted = len(head) + 4
                return not self._answered()
            length = next(
                line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            self.wanted = len(head) + 4 + int(length[15:])
        if len(self.buffer) < self.wanted:
            return False
        return not self._answered()

    def _answered(self) -> bool:
        """Hand the answer to the script and send what it asks next; return whether it goes on."""
        body = self.buffer[len(self.head) + 4 : self.wanted]
        answer = Answer(int(self.head[9:12]), self.head, body)
        self.buffer, self.wanted = b"", 0
        if answer.status >= 400:
            if answer.status not in self.tolerated:
                raise UnexpectedAnswer(f"{answer.status} {body[:300]!r}")
            self.outcome.refused += 1
        self.outcome.requests += 1
        self.outcome.body_bytes += len(body)
        try:
            return self._send(self.run.send(answer))
        except StopIteration:
            self.outcome.latencies.append(time.perf_counter() - self.began)
            return False

    def _send(self, wire: bytes | None) -> bool:
        if wire is None:
            return False
        self.socket.sendall(wire)
        return True
