"""HTTP as an attacker speaks it: every connection prepared, the last bytes released together."""

import contextlib
import io
import json
import selectors
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

Address = tuple[str, int]
SETTLE_SECONDS = 0.05  # for the prepared requests to reach the server's threads


@dataclass(frozen=True)
class Request:
    """One request; with a token it is signed in, with a key it is idempotent."""

    method: str
    path: str
    body: Any = None
    token: str = ""
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the request as it goes over the wire; the body is JSON, or bytes as they are."""
        body = b""
        if self.body is not None:
            body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {
            "Host": "127.0.0.1",
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self.headers,
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.key:
            headers["Idempotency-Key"] = self.key
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 is no answer at all."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> Any:
        """The ``data`` of the envelope."""
        return json.loads(self.body)["data"]

    @property
    def code(self) -> str:
        """The error's stable code, empty for a success or a broken line."""
        with contextlib.suppress(ValueError, AttributeError):
            return cast(str, json.loads(self.body).get("code", ""))
        return ""


NO_ANSWER = Answer(0, {}, b"")


def call(address: Address, request: Request, *, timeout_seconds: float = 60) -> Answer:
    """Send one request and return its answer; ``NO_ANSWER`` where the line broke."""
    try:
        with socket.create_connection(address, timeout=timeout_seconds) as line:
            line.sendall(request.to_bytes())
            received = bytearray()
            while chunk := line.recv(65536):
                received += chunk
    except OSError:
        return NO_ANSWER
    return parse(bytes(received))


def release_together(
    address: Address,
    requests: Sequence[Request],
    *,
    timeout_seconds: float = 180,
    released: threading.Event | None = None,
) -> list[Answer]:
    """Prepare a connection for each request, release all last bytes at once, gather the answers.

    The answers stand in the order of the requests.

    :param released: set at that moment, for whatever else is to happen then.
    """
    lines = [_prepare(address, request.to_bytes()) for request in requests]
    time.sleep(SETTLE_SECONDS)
    if released is not None:
        released.set()
    for line, request in zip(lines, requests, strict=True):
        with contextlib.suppress(OSError):
            line.send(request.to_bytes()[-1:])
    return _gather(lines, time.monotonic() + timeout_seconds)


def _prepare(address: Address, data: bytes) -> socket.socket:
    line = socket.create_connection(address, timeout=30)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(data[:-1])
    line.settimeout(0)
    return line


def _gather(lines: Sequence[socket.socket], deadline: float) -> list[Answer]:
    received = [bytearray() for _ in lines]
    with selectors.DefaultSelector() as selector:
        for number, line in enumerate(lines):
            selector.register(line, selectors.EVENT_READ, number)
        while selector.get_map() and time.monotonic() < deadline:
            for ready, _ in selector.select(timeout=1):
                line = cast(socket.socket, ready.fileobj)
                try:
                    chunk = line.recv(65536)
                except OSError:
                    chunk = b""
                received[ready.data] += chunk
                if not chunk:
                    selector.unregister(line)
                    line.close()
    for line in lines:
        line.close()
    return [parse(bytes(data)) for data in received]


class _Received:
    """Looks enough like a socket for ``HTTPResponse``."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *args: Any, **kwargs: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def parse(data: bytes) -> Answer:
    """Return the answer in these bytes; ``NO_ANSWER`` if it is cut off."""
    response = HTTPResponse(_Received(data))  # type: ignore[arg-type]  # makefile is all it needs
    try:
        response.begin()
        body = response.read()
    except (HTTPException, OSError, ValueError):
        return NO_ANSWER
    return Answer(response.status, dict(response.getheaders()), body)
