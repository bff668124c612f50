"""Fires the corpus at a running shop as one caller, and looks at what is left of it."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from time import time
from typing import Any

from django.db import connection

from tests.chaos.wire import Address, Answer, Request, call
from tests.contract.checker import ANYWHERE
from tests.contract.document import Document, Operation, published
from tests.security import elsewhere
from tests.security.busy import is_busy
from tests.security.hostile import Gunner, Shot
from tests.security.shop import Shop

THREADS = 4
_AT_ONCE = 200  # requests that are made before they are sent
_AT_ONCE_AT_THE_DOOR = 8  # fewer: some of them end the session, or the account
_MOST_FAILURES = 200
_MOST_PAGES = 100  # of a list, afterwards
# What a server in front of the shop says of a request that is none.
_NO_REQUEST = {400, 408, 413, 414, 417, 431, 501}


@dataclass
class Findings:
    """What came of the requests of one caller."""

    calls: int = 0
    places: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    by_operation: dict[str, Counter[int]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Amount:
    """How much of the corpus is fired."""

    most: int | None  # values at each place; None: all of them
    share: float  # of the shots that this makes


def fire(address: Address, shop: Shop, *, seed: int, amount: Amount, until: float) -> Findings:
    """Fire at every operation, and as nobody at the addresses of none."""
    document = published()
    gunner = Gunner(document, shop, seed=seed)
    findings = Findings()
    seen: set[tuple[str, str]] = set()
    with ThreadPoolExecutor(THREADS) as pool:
        for shots in _salvos(gunner, document, shop, amount, seed):
            if time() > until:
                findings.failures["time"] = "the corpus was not fired to its end"
                break
            for shot, answer in pool.map(lambda shot: (shot, call(address, shot.request)), shots):
                seen.add((shot.operation.name, shot.place))
                _judge(document, findings, shot, answer)
        if shop.caller.kind == "anonymous":
            others = elsewhere.requests(Random(seed), most=amount.most)
            for request, answer in pool.map(lambda one: (one, call(address, one)), others):
                seen.add(("", request.path))
                _judge_elsewhere(findings, request, answer)
    findings.places = len(seen)
    return findings


def _salvos(
    gunner: Gunner, document: Document, shop: Shop, amount: Amount, seed: int
) -> Iterator[list[Shot]]:
    waiting: list[Shot] = []
    chance = Random(seed)
    for operation in document.by_name.values():
        is_open = operation.published.get("security") == []
        # Behind a closed door there is only one place: the door.
        few = 1 if shop.caller.kind == "anonymous" and not is_open else amount.most
        is_door = operation.name.startswith(("accounts_", "auth_"))
        for shot in gunner.shots(operation, most=few):
            if chance.random() >= amount.share:
                continue
            waiting.append(shot)
            if len(waiting) >= (_AT_ONCE_AT_THE_DOOR if is_door else _AT_ONCE):
                yield waiting
                waiting = []
                shop.caller.look_again()
        if is_door:
            yield waiting
            waiting = []
            shop.caller.look_again()
    yield waiting


def look_at_lists(address: Address, shop: Shop) -> Findings:
    """Ask for everything there is to read; what was put in by the corpus is among it."""
    document, findings = published(), Findings()
    gunner = Gunner(document, shop, seed=0)
    for operation in document.by_name.values():
        if operation.method != "get":
            continue
        path = gunner.good_path(operation)
        for page in _pages(operation, path):
            answer = call(address, Request("GET", page, token=shop.caller.token))
            findings.calls += 1
            findings.statuses[answer.status] += 1
            # One of the things that an address names may just have gone; so may a last page.
            allowed = {200, 404} if "{" in operation.path or "page=" in page else {200}
            fault = fault_of(document, operation, page, answer, vendor=connection.vendor)
            if fault or answer.status not in allowed:
                key = f"afterwards {operation.name}: {answer.status}"
                findings.failures.setdefault(key, f"{page}: {fault}")
            if answer.status != 200:
                break
    return findings


def _pages(operation: Operation, path: str) -> Iterator[str]:
    yield path
    if _is_list(operation):
        for number in range(1, _MOST_PAGES):
            yield f"{path}?page_size=100&page={number}"


def _is_list(operation: Operation) -> bool:
    names = {part["name"] for part in operation.published["parameters"]}
    return operation.method == "get" and "page_size" in names


def _judge(document: Document, findings: Findings, shot: Shot, answer: Answer) -> None:
    name = shot.operation.name
    findings.calls += 1
    findings.statuses[answer.status] += 1
    findings.by_operation.setdefault(name, Counter())[answer.status] += 1
    path = shot.request.path
    fault = fault_of(document, shot.operation, path, answer, vendor=connection.vendor)
    if fault and len(findings.failures) < _MOST_FAILURES:
        key = f"{name}, {shot.place}: {answer.status}"
        findings.failures.setdefault(key, f"{fault}\n{shot.request.to_bytes()[:1500]!r}")


def _judge_elsewhere(findings: Findings, request: Request, answer: Answer) -> None:
    findings.calls += 1
    findings.statuses[answer.status] += 1
    if answer.status == 0 or answer.status >= 500:
        key = f"{request.method} {request.path}, {sorted(request.headers)}: {answer.status}"
        findings.failures.setdefault(key, repr(request.to_bytes()[:1500]))


def fault_of(
    document: Document, operation: Operation, path: str, answer: Answer, *, vendor: str
) -> str:
    """Return what is wrong with an answer on a database of this kind; empty: nothing."""
    if answer.status == 0:
        return "no answer"
    kind = {name.lower(): value for name, value in answer.headers.items()}.get("content-type", "")
    if answer.status in _NO_REQUEST and kind == "text/html" and b"<html>" in answer.body:
        return ""  # the server's own: it never became a request to the shop
    is_published = str(answer.status) in operation.responses or answer.status in ANYWHERE
    is_broken = answer.status >= 500 and not is_busy(answer, vendor=vendor)
    if is_broken or not (is_published or _is_plain_204(path, answer)):
        return f"{answer.status} is not published: {answer.body[:300]!r}"
    if not answer.body:
        return ""
    if kind != "application/json":
        return f"it is {kind}, not JSON: {answer.body[:300]!r}"
    # The other face's shape is held against the document by the tests' own client.
    return _difference(document, operation, answer) if path.startswith("/api/") else ""


def _is_plain_204(path: str, answer: Answer) -> bool:
    """Return whether it is what the other face makes of a DELETE's 200."""
    return answer.status == 204 and not path.startswith("/api/")


def _difference(document: Document, operation: Operation, answer: Answer) -> str:
    response = operation.responses.get(str(answer.status))
    schema: Any = response.get("schema") if response else {"$ref": "#/definitions/Error"}
    if response is None and operation.path.startswith("/api/auth/"):
        schema = {"$ref": "#/definitions/PlainError"}
    if schema is None:
        return f"a body where none is published: {answer.body[:300]!r}"
    errors = document.dialect.validator(schema).iter_errors(json.loads(answer.body))
    found = [error.message[:200] for error in errors][:3]
    return f"not as published: {found}" if found else ""
