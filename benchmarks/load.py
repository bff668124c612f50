"""A closed loop of clients on connections that stay open, in one process and without a library.

Each client runs a script over and over: a generator that yields requests and is sent the
answers. What is timed is one run of the script.
"""

import json
import selectors
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.environment import LOOPBACK

TIMEOUT_SECONDS = 30


class Answer(NamedTuple):
    status: int
    body: bytes

    @property
    def payload(self) -> Any:
        """What the envelope holds."""
        return json.loads(self.body)["data"]


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

    def percentile(self, share: float) -> float:
        """Return the latency that so large a share stayed within."""
        ordered = sorted(self.latencies)
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
    outcome, selector = Outcome(), selectors.DefaultSelector()
    clients = [_Client(port, script, outcome) for script in scripts]
    started = time.perf_counter()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.begin()
    busy = len(clients)
    while busy:
        ready = selector.select(TIMEOUT_SECONDS)
        if not ready:
            raise UnexpectedAnswer(f"nothing for {TIMEOUT_SECONDS} s")
        for key, _ in ready:
            is_over = time.perf_counter() - started >= seconds
            if key.data.receive() and (is_over or not key.data.begin()):
                selector.unregister(key.data.socket)
                key.data.socket.close()
                busy -= 1
    outcome.seconds = time.perf_counter() - started
    return outcome


class _Client:
    def __init__(self, port: int, script: Script, outcome: Outcome) -> None:
        self.socket = socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.script, self.outcome = script, outcome
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
        answer = Answer(int(self.head[9:12]), body)
        self.buffer, self.wanted = b"", 0
        if answer.status >= 400:
            raise UnexpectedAnswer(f"{answer.status} {body[:300]!r}")
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
