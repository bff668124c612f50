"""How many statements an endpoint sends, counted in this process."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.environment import LOOPBACK
from benchmarks.load import Answer, Script


def count(script: Script) -> int:
    """Run a script once to warm up and once more, and return the statements of the second run."""
    _run(script)
    with CaptureQueriesContext(connection) as captured:
        _run(script)
    return len(captured)


def _run(script: Script) -> None:
    client, run = Client(SERVER_NAME=LOOPBACK), script()
    wire = next(run, None)
    while wire is not None:
        head, _, body = wire.partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        method, path, _ = start.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        response = client.generic(
            method, path, body, headers.get("Content-Type", ""), headers=headers
        )
        try:
            wire = run.send(Answer(response.status_code, _head_of(response), response.content))
        except StopIteration:
            return


def _head_of(response: Any) -> bytes:
    return "\r\n".join(f"{name}: {value}" for name, value in response.items()).encode()
