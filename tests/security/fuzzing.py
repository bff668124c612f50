"""schemathesis against a running shop, as one caller.

It makes the requests from the published document. We only put in names of things that are there,
and tokens that are good, because most requests would end at the door or at a 404 otherwise; and
hold every answer against the document as closed schemas, beside schemathesis's own checks.
"""

import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import TestPhase

from tests.contract.checker import ANYWHERE
from tests.contract.document import PUBLISHED, Document, published
from tests.security.shop import Shop

# Not among them: rules of the trade refuse what the schema allows (positive_data_acceptance); a
# number is taken from its text, as forms send it, and unknown members of a body are ignored
# (negative_data_rejection, missing_required_header).
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
]
_NAMES_ARE_GOOD, _FIELDS_ARE_GOOD, _LINKS_ARE_KEPT = 0.8, 0.5, 0.7
_FIRST = 4  # requests for each operation that name what is there, whatever was drawn
_MOST_FAILURES = 200


@dataclass
class Findings:
    """What came of the requests of one caller."""

    calls: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    by_operation: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**vars(self)}


@schemathesis.check
def is_as_published(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Hold the answer against the document, in which what is not named may not be there."""
    if case.method != case.operation.method.upper():
        return
    kind = response.headers.get("content-type", [""])[0]
    assert kind == "application/json" or not response.content, f"it is {kind}, not JSON"
    schema = _schema_of(case, response.status_code)
    if schema is not None:
        validator = _document().dialect.validator(schema)
        errors = [error.message[:300] for error in validator.iter_errors(response.json())]
        assert not errors, f"not as published: {errors[:3]}"


def _schema_of(case: schemathesis.Case, status: int) -> Any:
    operation = _document().operations[case.method.lower(), case.operation.path]
    if str(status) in operation.responses:
        return operation.responses[str(status)].get("schema")
    return {"$ref": "#/definitions/Error"} if status in ANYWHERE else None


_DOCUMENT: list[Document] = []


def _document() -> Document:
    if not _DOCUMENT:
        _DOCUMENT.append(published())
    return _DOCUMENT[0]


@dataclass(frozen=True)
class Plan:
    """How much is asked."""

    examples: int  # of each operation in the fuzzing phase
    coverage: float  # the share of the coverage phase's cases, of which there are thousands
    stateful: int  # walks from answer to answer
    calls: int  # at least; all phases again and again until then


def fuzz(url: str, shop: Shop, *, seed: int, plan: Plan, until: float) -> Findings:
    """Send requests until all phases are through, and again until so many calls are made.

    The time may be up before that: it is a failure.
    """
    schemathesis.hook("before_call")(Naming(shop))
    schemathesis.hook("filter_case")(_Sampling(plan.coverage, seed))
    findings = Findings()
    # Cut off in its first turn it would not come to every operation.
    _go_through(_schema(url, shop, plan, seed), findings, math.inf, until)
    while findings.calls < plan.calls and time.time() < until:
        seed += 1
        _go_through(_schema(url, shop, plan, seed), findings, plan.calls, until)
    if time.time() > until:
        findings.failures["time"] = f"up after {findings.calls} calls"
    return findings


def _schema(url: str, shop: Shop, plan: Plan, seed: int) -> Any:
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "cache": {"enabled": False},  # a run must not depend on those before it
            "base-url": url,
            "continue-on-failure": True,
            "suppress-health-check": ["all"],
            "request-timeout": 60,
            "generation": {"max-examples": plan.examples, "no-shrink": True, "database": "none"},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "phases": {
                "examples": {"enabled": False},
                "coverage": {"enabled": plan.coverage > 0},
                "stateful": {"generation": {"max-examples": plan.stateful}, "max-steps": 5},
            },
        }
    )
    document = without_patterns(json.loads(PUBLISHED.read_text()))
    schema = schemathesis.openapi.from_dict(document, config=config)
    return schema.include(is_open) if shop.caller.kind == "anonymous" else schema


def without_patterns(node: Any) -> Any:
    """Return the document without the patterns of texts.

    To draw texts by a pattern, letter by letter, took nine tenths of the time. Answers are held
    against the whole document.
    """
    if isinstance(node, list):
        return [without_patterns(each) for each in node]
    if not isinstance(node, dict):
        return node
    is_text = node.get("type") == "string"
    return {
        key: without_patterns(value)
        for key, value in node.items()
        if not (is_text and key == "pattern")
    }


def _go_through(schema: Any, findings: Findings, enough: float, until: float) -> None:
    stream = from_schema(schema).execute()
    for event in stream:
        if isinstance(event, events.ScenarioFinished):
            _note(findings, event)
            if findings.calls >= enough or time.time() > until:
                stream.stop()
        elif isinstance(event, events.NonFatalError):
            findings.errors.append(f"{event.label}: {event.info.format()[:500]}")
        elif isinstance(event, events.FatalError):
            raise event.exception


def is_open(context: Any) -> bool:
    """Return whether nobody is let in; a closed door is the same whatever is behind it."""
    return bool(context.operation.definition.raw.get("security") == [])


class _Sampling:
    """Lets a share of the coverage phase's cases through, and all others."""

    __name__ = "filter_case"

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._random = share, random.Random(seed)

    def __call__(self, context: Any, case: schemathesis.Case) -> bool:
        is_one = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
        return not is_one or self._random.random() < self._share


class Naming:
    """Puts tokens and names of things that are there into requests."""

    __name__ = "before_call"

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._knocked: Counter[str] = Counter()

    def __call__(self, context: Any, case: schemathesis.Case, kwargs: Any) -> None:
        if token := self._shop.caller.token:
            case.headers["Authorization"] = f"Bearer {token}"
        roll = self._shop.random.random
        meta = case.meta
        is_linked = meta is not None and meta.phase.name is TestPhase.STATEFUL
        if is_linked and roll() < _LINKS_ARE_KEPT:
            return
        if "{" in case.path:
            self._knocked[case.operation.label] += 1
            is_first = self._knocked[case.operation.label] <= _FIRST
            is_good = not _is_negative(case, "path") and roll() < _NAMES_ARE_GOOD
            if is_first:
                self._shop.look_again()
            if is_first or is_good:
                case.path_parameters.update(self._shop.path_parts(case.path) or {})
        if isinstance(case.body, (dict, list)) and roll() < _NAMES_ARE_GOOD:
            self._fill(case.body)

    def _fill(self, node: Any) -> None:
        for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(child, (dict, list)):
                self._fill(child)
            elif self._shop.random.random() < _FIELDS_ARE_GOOD:
                value = self._shop.value(key) if isinstance(key, str) else None
                if value is not None:
                    node[key] = value


def _is_negative(case: schemathesis.Case, location: str) -> bool:
    return case.meta is not None and any(
        info.mode is GenerationMode.NEGATIVE
        for name, info in case.meta.components.items()
        if name.value == location
    )


def _note(findings: Findings, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is None:
            findings.errors.append(f"no answer: {interaction.request.uri}")
            continue
        status = interaction.response.status_code
        findings.calls += 1
        findings.phases[event.phase.value] += 1
        findings.statuses[status] += 1
        case = recorder.cases[case_id].value
        if case.method == case.operation.method.upper():
            name = _document().operations[case.method.lower(), case.operation.path].name
            findings.by_operation[name][status] += 1
    for title, text in _failures(recorder):
        if len(findings.failures) < _MOST_FAILURES:
            findings.failures.setdefault(title, text)


def _failures(recorder: ScenarioRecorder) -> Iterator[tuple[str, str]]:
    for case_id, checks in recorder.checks.items():
        operation = recorder.cases[case_id].value.operation.label
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                text = f"{failure.message[:600]}\n{check.failure_info.code_sample[:1500]}"
                yield f"{operation}: {check.name}: {failure.title}", text
