"""Real answers of passing tests, kept as the examples that Swagger shows.

Used as a pytest plugin by ``tests/record_examples.py`` alone.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import factory
import pytest
from django.conf import settings
from django.http.request import HttpRequest
from django.test.client import ClientHandler, FakePayload

from shop_backend.kernel.faces import Face, face_of
from shop_backend.kernel.renderers import DEFAULT_MESSAGE
from tests.contract.document import Document, Operation, is_published, path_of, published

LONGEST = 6000  # characters; an example is there to be read
_AN_EMPTY_LIST = 100  # says less than anything else
_KINDS_OF_REFUSAL = [409, 404, 400, 403, 401]
_TOO_GENERAL = {"validation_error", "not_authenticated", "malformed_request", "server_error"}

_A_UUID = "3f0c9a52-6a7e-4c1b-9d2e-000000000001"
# What is another one in every run, and what stands in its place.
_STABLE = [
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "header.payload.signature"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"), "2026-01-15T10:00:00Z"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b(?!T)"), "2026-01-15"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), _A_UUID),
    (re.compile(r"_secret_\w+"), "_secret_example"),
    (re.compile(r"(pi|re|evt)_(sandbox_)?[0-9a-f]{8,}"), r"\1_\g<2>1"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "0123456789abcdef"),
    (re.compile(r"(?<=[~-])[0-9a-f]{8}\b"), "01234567"),
    (re.compile(r"\bR[0-9A-HJKMNP-TV-Z]{12}\b"), "R000000000001"),
    (re.compile(r"https?://(testserver|localhost)(:\d+)?"), "https://shop.example.com"),
]
_SECRET_KEYS = {
    "password": "a-long-passphrase",
    "re_password": "a-long-passphrase",
    "new_password": "another-long-passphrase",
    "re_new_password": "another-long-passphrase",
    "old_password": "a-long-passphrase",
    "current_password": "a-long-passphrase",
    "otp": "012345",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "uri": "otpauth://totp/Demo%20Shop%3Aann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "uid": "MQ",
    "token": "a-token",
    "tracking_number": "SHOP0000000000000001",
}


@dataclass
class Example:
    """One answer and, where it had one, the body of its request."""

    test: str
    status: int
    body: Any
    request: Any = None
    has_request: bool = False

    @property
    def text(self) -> str:
        return json.dumps([self.request, self.body], ensure_ascii=False)

    @property
    def merit(self) -> tuple[Any, ...]:
        """What shows the most comes first, then what is short."""
        return (not self.has_request, _empty_parts(self.body), len(self.text), self.text, self.test)


@dataclass
class Recorder:
    """Keeps the best answer of each kind."""

    document: Document = field(default_factory=published)
    successes: dict[str, Example] = field(default_factory=dict)
    refusals: dict[str, Example] = field(default_factory=dict)

    def see(self, request: HttpRequest, sent: bytes, response: Any) -> None:
        """Keep this answer if it is a better example than what is kept."""
        operation = self._operation(request)
        if operation is None or not _is_of(operation, response.status_code):
            return
        body = _as_published(operation, request, response)
        if body is None and response.status_code >= 400:
            return
        example = Example(
            test=os.environ["PYTEST_CURRENT_TEST"].rsplit(" ", 1)[0],
            status=_published_status(operation, response.status_code),
            body=_stable(body),
        )
        if sent.startswith(b"{") and example.status < 300:
            self._add_request(operation, example, _stable(json.loads(sent)))
        if len(example.text) > LONGEST or not example.text.isascii():
            return
        if not self._is_published(operation, example):
            return
        if example.status < 300:
            _keep(self.successes, operation.name, example, example.merit)
        elif (rank := _rank_of(example)) is not None:
            _keep(self.refusals, operation.name, example, rank)

    def _add_request(self, operation: Operation, example: Example, sent: Any) -> None:
        """Add what was sent unless it is one of the things that the shop only puts up with."""
        schema = operation.body_schema
        if schema is not None and self.document.dialect.validator(schema).is_valid(sent):
            example.request, example.has_request = sent, True

    def _is_published(self, operation: Operation, example: Example) -> bool:
        schema = operation.responses[str(example.status)].get("schema")
        if schema is None:
            return example.body is None
        return self.document.dialect.validator(schema).is_valid(example.body)

    def _operation(self, request: HttpRequest) -> Operation | None:
        route = getattr(request.resolver_match, "route", "")
        if not route or not is_published(route):
            return None
        return self.document.operations.get(((request.method or "").lower(), path_of(route)))

    def as_json(self) -> dict[str, Any]:
        """Return the examples by operation id."""
        examples: dict[str, Any] = {}
        for name in sorted(self.successes):
            success = self.successes[name]
            entry: dict[str, Any] = {"test": success.test}
            if success.has_request:
                entry["request"] = success.request
            entry["response"] = {"status": success.status, "body": success.body}
            if refusal := self.refusals.get(name):
                entry["refusal"] = {
                    "test": refusal.test,
                    "status": refusal.status,
                    "body": refusal.body,
                }
            examples[name] = entry
        return examples


def _keep(kept: dict[str, Example], name: str, example: Example, merit: Any) -> None:
    known = kept.get(name)
    if known is None or merit < (_rank_of(known) if known.status >= 400 else known.merit):
        kept[name] = example


def _rank_of(example: Example) -> tuple[Any, ...] | None:
    if example.status not in _KINDS_OF_REFUSAL:
        return None
    is_general = example.body.get("code") in _TOO_GENERAL
    kind = _KINDS_OF_REFUSAL.index(example.status)
    return (is_general, kind, len(example.text), example.text, example.test)


def _is_of(operation: Operation, status: int) -> bool:
    """Tell whether it answers so; 204 is what the plain face makes of a DELETE's 200."""
    return str(status) in operation.responses or (operation.method == "delete" and status == 204)


def _published_status(operation: Operation, status: int) -> int:
    return status if str(status) in operation.responses else 200


def _as_published(operation: Operation, request: HttpRequest, response: Any) -> Any:
    """Return the body as ``/api`` sends it; a plain one is dressed as it would be there."""
    if response.streaming:
        return None
    is_plain = face_of(request) is Face.PLAIN and not operation.path.startswith("/api/auth/")
    if response.content and response.headers["Content-Type"] != "application/json":
        return None
    body = json.loads(response.content) if response.content else None
    if not is_plain:
        return body
    if response.status_code < 300:
        message = getattr(response, "message", None) or DEFAULT_MESSAGE
        return {"success": True, "message": message, "data": body}
    if isinstance(body, dict) and "detail" in body and "code" in body:
        rest = {key: value for key, value in body.items() if key != "detail"}
        return {"success": False, "message": body["detail"], "data": None, **rest}
    return None


def _empty_parts(node: Any) -> int:
    if isinstance(node, dict):
        return sum(_empty_parts(child) for child in node.values()) if node else 1
    if isinstance(node, list):
        return min(map(_empty_parts, node)) if node else _AN_EMPTY_LIST
    return node is None or node == ""


def _stable(node: Any, key: str = "") -> Any:
    if isinstance(node, dict):
        return {name: _stable(child, name) for name, child in node.items()}
    if isinstance(node, list):
        return [_stable(child, key) for child in node]
    if isinstance(node, str):
        if key in _SECRET_KEYS:
            return _SECRET_KEYS[key]
        for changing, stable in _STABLE:
            node = changing.sub(stable, node)
    return node


recorder = Recorder()


@pytest.fixture(autouse=True)
def every_test_counts_from_one() -> None:
    """Let no name depend on which tests ran before."""
    waiting: list[Any] = [factory.Factory]
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if found._meta.model is not None:
            found.reset_sequence(0, force=True)


@pytest.fixture(autouse=True, scope="session")
def every_answer_is_seen() -> Iterator[None]:
    """Show the recorder what passes the test client."""
    call = ClientHandler.__call__

    def call_and_record(handler: ClientHandler, environ: dict[str, Any]) -> Any:
        sent = b""
        if environ.get("CONTENT_TYPE", "").startswith("application/json"):
            sent = environ["wsgi.input"].read() if environ.get("CONTENT_LENGTH") else b""
            environ["wsgi.input"] = FakePayload(sent)
        response = call(handler, environ)
        if settings.ROOT_URLCONF == "shop_backend.urls":
            recorder.see(response.wsgi_request, sent, response)
        return response

    ClientHandler.__call__ = call_and_record  # type: ignore[method-assign, assignment]  # for as long as it records
    yield
    ClientHandler.__call__ = call  # type: ignore[method-assign]  # and back again
