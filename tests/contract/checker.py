"""Holds an answer against what is published for its operation."""

import json
from collections import Counter
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from jsonschema import Draft202012Validator

from shop_backend.kernel.faces import Face, face_of
from tests.contract.document import Document, Operation, is_published, path_of

# What any address may answer, said once in the document's description.
ANYWHERE = {404, 405, 406, 500, 503}
_PLAIN_REFUSAL = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "detail": {"type": "string"},
                "code": {"type": "string"},
                "params": {"type": "object"},
            },
            "required": ["detail", "code"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "not": {"required": ["detail", "code"]},
            "additionalProperties": {"type": ["array", "object"]},
            "minProperties": 1,
        },
    ]
}
# API.md: what `/userinfo/` answers to an anonymous caller.
_NOBODY = {
    "type": "object",
    "properties": {"is_authenticated": {"enum": [False]}},
    "required": ["is_authenticated"],
    "additionalProperties": False,
}


class ContractBroken(AssertionError):
    """An answer differs from what is published."""


class Checker:
    """Checks answers against one document and counts what it checked."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._validators: dict[Any, Draft202012Validator] = {}
        self.checked: Counter[tuple[str, int]] = Counter()

    def check(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Return if the answer is as published.

        :raises ContractBroken: it is not; the message says where.
        """
        if request.method == "OPTIONS":
            return
        route = getattr(request.resolver_match, "route", None)
        if route is None or not is_published(route):
            return
        operation = self._operation(request, route)
        if operation is None:
            self._check_anywhere(request, response)
            return
        self._check_operation(operation, request, response)
        self.checked[operation.name, response.status_code] += 1

    def unreached(self) -> list[str]:
        """Return the operations of which no success was checked, in order."""
        reached = {name for name, status in self.checked if 200 <= status < 300}
        return sorted(set(self._document.by_name) - reached)

    def _operation(self, request: HttpRequest, route: str) -> Operation | None:
        path = path_of(route)
        method = {"HEAD": "get"}.get(request.method or "", (request.method or "").lower())
        operation = self._document.operations.get((method, path))
        if operation is None and path not in self._document.paths:
            raise ContractBroken(f"{request.method} {request.path} is not published")
        return operation

    def _check_operation(
        self, operation: Operation, request: HttpRequest, response: HttpResponseBase
    ) -> None:
        status = response.status_code
        face = face_of(request)
        if status == 204 and request.method == "DELETE" and face is Face.PLAIN:
            self._check_empty(operation.name, response)
            return
        if str(status) not in operation.responses:
            self._check_anywhere(request, response)
            return
        if request.method == "HEAD" or "schema" not in operation.responses[str(status)]:
            self._check_empty(operation.name, response)
            return
        validator = self._validator(operation, status, request)
        _validate(f"{operation.name} {status}", validator, response)

    def _check_anywhere(self, request: HttpRequest, response: HttpResponseBase) -> None:
        status = response.status_code
        name = f"{request.method} {request.path}"
        if status not in ANYWHERE:
            raise ContractBroken(f"{name} answered {status}, which is not published")
        if request.method != "HEAD":
            _validate(f"{name} {status}", self._refusal(face_of(request)), response)

    def _check_empty(self, name: str, response: HttpResponseBase) -> None:
        if not response.streaming and response.content:
            raise ContractBroken(f"{name} {response.status_code} has a body; none is published")

    def _refusal(self, face: Face) -> Draft202012Validator:
        if face is Face.PLAIN:
            return _plain_refusal()
        key = "refusal"
        if key not in self._validators:
            self._validators[key] = self._document.dialect.validator(
                {"$ref": "#/definitions/Error"}
            )
        return self._validators[key]

    def _validator(
        self, operation: Operation, status: int, request: HttpRequest
    ) -> Draft202012Validator:
        face = face_of(request)
        if status >= 400:
            return self._refusal(face)
        if request.path.strip("/").removeprefix("api/") == "userinfo" and _is_anonymous(request):
            return _nobody(face)
        key = (operation.name, status, face)
        if key not in self._validators:
            schema = operation.responses[str(status)]["schema"]
            if face is Face.PLAIN and not operation.path.startswith("/api/auth/"):
                schema = schema["properties"]["data"]
            self._validators[key] = self._document.dialect.validator(schema)
        return self._validators[key]


@cache
def _plain_refusal() -> Draft202012Validator:
    return Draft202012Validator(_PLAIN_REFUSAL)


@cache
def _nobody(face: Face) -> Draft202012Validator:
    if face is Face.PLAIN:
        return Draft202012Validator(_NOBODY)
    envelope = {
        "type": "object",
        "properties": {"success": {"enum": [True]}, "message": {"type": "string"}, "data": _NOBODY},
        "required": ["success", "message", "data"],
        "additionalProperties": False,
    }
    return Draft202012Validator(envelope)


def _is_anonymous(request: HttpRequest) -> bool:
    return not request.headers.get("Authorization") and not getattr(
        request, "_force_auth_user", None
    )


def _validate(name: str, validator: Draft202012Validator, response: HttpResponseBase) -> None:
    body = _body(name, response)
    if validator.is_valid(body):
        return
    errors = sorted(validator.iter_errors(body), key=lambda error: len(error.absolute_path))
    places = [
        f"  at {'/'.join(map(str, error.absolute_path)) or 'the top'}: {error.message[:300]}"
        for error in errors[:10]
    ]
    raise ContractBroken("\n".join([f"{name} differs from what is published:", *places]))


def _body(name: str, response: Any) -> Any:
    kind = response.headers.get("Content-Type", "")
    if response.streaming or not kind.startswith("application/json"):
        raise ContractBroken(f"{name} is {kind or 'of no type'}, not JSON")
    if not response.content:  # the plain face's null
        return None
    return json.loads(response.content)
