"""Every hostile value in every field, parameter, path and header of the published document."""

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from tests.chaos.wire import Request
from tests.contract.document import Document, Operation
from tests.security import corpus
from tests.security.shop import Shop

EXAMPLES = json.loads((settings.BASE_DIR / "docs" / "api" / "examples.json").read_text())
_MARK = "\u2603literal\u2603"  # stands in a body until the literal is put in its place
_BOUNDARY = "hostileboundary"
_DEEPEST = 5
_PLAIN = 0.2  # the share of requests to the face without /api


@dataclass(frozen=True)
class Shot:
    """One request, and where in it the hostile value is."""

    operation: Operation
    place: str
    request: Request = field(repr=False)


class Gunner:
    """Makes the requests of one caller."""

    def __init__(self, document: Document, shop: Shop, *, seed: int) -> None:
        self._document, self._shop = document, shop
        self._random = random.Random(seed)

    def shots(self, operation: Operation, *, most: int | None) -> Iterator[Shot]:
        """Return requests with one hostile value each.

        :param most: values at each place, chosen by chance; ``None``: all.
        """
        for place, values in self._places(operation):
            chosen = list(values)
            if most is not None and len(chosen) > most:
                chosen = self._random.sample(chosen, most)
            for value in chosen:
                yield Shot(operation, place, self._request(operation, place, value))

    def places(self, operation: Operation) -> list[str]:
        """Return every place of a request that takes a hostile value."""
        return [place for place, _ in self._places(operation)]

    def good_path(self, operation: Operation) -> str:
        """Return the operation's path, naming things that are there."""
        return self._path(operation, "", None)

    def good_request(self, operation: Operation) -> tuple[str, Any]:
        """Return path and body as the document shows them, naming things that are there."""
        return self.good_path(operation), self._body(operation)

    def _places(self, operation: Operation) -> Iterator[tuple[str, Any]]:
        texts = [*corpus.TEXTS, *corpus.TIMES]
        for part in operation.published["parameters"]:
            if part["in"] == "query":
                yield f"query {part['name']}", _for_query(part, texts)
            elif part["in"] == "formData":
                is_file = part["type"] == "file"
                yield f"form {part['name']}", corpus.FILES if is_file else texts
        for name in _parts_of(operation.path):
            yield f"path {name}", [*texts, *map(str, corpus.NUMBERS)]
        for name, values in corpus.HEADERS.items():
            yield f"header {name}", values
        yield "query unknown", texts[:12]
        if operation.method != "get":
            yield from self._places_in_body(operation, texts)

    def _places_in_body(self, operation: Operation, texts: list[str]) -> Iterator[tuple[str, Any]]:
        yield "header Content-Type", corpus.CONTENT_TYPES
        yield "body", corpus.BODIES
        if operation.body_schema is None:
            return
        values = [json.dumps(value) for value in (*texts, *corpus.NUMBERS)]
        for where in _fields(self._built(operation.body_schema)):
            yield "field " + ".".join(map(str, where)), [*values, *corpus.LITERALS]

    def _request(self, operation: Operation, place: str, value: Any) -> Request:
        kind, _, name = place.partition(" ")
        path, query = self._path(operation, name if kind == "path" else "", value), ""
        if kind == "query":
            query = "?" + _query(name, value)
        headers: dict[str, str] = {}
        body: bytes | None = None
        if operation.method != "get":
            body, headers = self._content(operation, kind, name, value)
        if kind == "header":
            headers[name] = value
        token = "" if name == "Authorization" else self._shop.caller.token
        if self._random.random() < _PLAIN:
            path = path.removeprefix("/api")
        return Request(operation.method.upper(), path + query, body, token, headers=headers)

    def _path(self, operation: Operation, hostile: str, value: Any) -> str:
        path = operation.path
        if "{" not in path:
            return path
        named = self._shop.path_parts(path) or {}
        for name in _parts_of(path):
            part = value if name == hostile else str(named.get(name, 1))
            path = path.replace(f"{{{name}}}", quote(_bytes(part)[:3_000], safe=""))
        return path

    def _content(
        self, operation: Operation, kind: str, name: str, value: Any
    ) -> tuple[bytes, dict[str, str]]:
        if kind == "body":
            return corpus.BODIES[value], {}
        if "multipart/form-data" in operation.published.get("consumes", ()):
            return _form(kind, name, value)
        body = self._body(operation)
        if kind != "field":
            return json.dumps(body).encode(), {}
        where = name.split(".")
        # What the example leaves out is added where it is the place.
        whole = self._built(operation.body_schema)
        node = body
        for step in where[:-1]:
            node, whole = _within(node, whole, step)
        if isinstance(node, list):
            node[:1] = [_MARK]
        else:
            node[where[-1]] = _MARK
        return json.dumps(body).replace(json.dumps(_MARK), value).encode(), {}

    def _body(self, operation: Operation) -> Any:
        """Return a body as the document shows it, naming what is there."""
        body = copy.deepcopy(EXAMPLES.get(operation.name, {}).get("request"))
        if body is None:
            body = self._built(operation.body_schema) if operation.body_schema else {}
        self._name(body)
        return body

    def _built(self, schema: Any, depth: int = 0) -> Any:
        if "$ref" in schema:
            schema = self._document.text["definitions"][schema["$ref"].rsplit("/", 1)[1]]
        if "properties" in schema:
            return {
                key: self._built(child, depth + 1)
                for key, child in schema["properties"].items()
                if not child.get("readOnly") and depth < _DEEPEST
            }
        if schema.get("type") == "array":
            return [self._built(schema["items"], depth + 1)]
        if "example" in schema:
            return copy.deepcopy(schema["example"])
        if schema.get("enum"):
            return schema["enum"][0]
        simple = {"integer": 1, "number": 1, "boolean": True}
        return simple.get(schema.get("type", ""), "text")

    def _name(self, node: Any) -> None:
        for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(child, (dict, list)):
                self._name(child)
            elif isinstance(key, str) and (value := self._shop.value(key)) is not None:
                node[key] = value


def _within(node: Any, whole: Any, step: str) -> tuple[Any, Any]:
    """Return a member of a body and of the whole one, which lends it where there is none."""
    if isinstance(node, list):
        if not node or not isinstance(node[0], (dict, list)):
            node[:] = copy.deepcopy(whole)
        return node[0], whole[0]
    if not isinstance(node.get(step), (dict, list)):
        node[step] = copy.deepcopy(whole[step])
    return node[step], whole[step]


def _fields(node: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the way to every member, of arrays to the first."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield (*where, key)
            yield from _fields(child, (*where, key))
    elif isinstance(node, list) and node:
        yield (*where, 0)
        yield from _fields(node[0], (*where, 0))


def _parts_of(path: str) -> list[str]:
    return [piece.split("}")[0] for piece in path.split("{")[1:]]


def _for_query(part: Any, texts: list[str]) -> list[str]:
    values = [*texts, *map(str, corpus.NUMBERS)]
    return [*values, corpus.LONG_SEARCH] if part["name"] == "search" else values


def _bytes(text: str) -> bytes:
    return str(text).encode("utf-8", "surrogatepass")


def _query(name: str, value: str) -> str:
    return urlencode({name: _bytes(value)})


def _form(kind: str, name: str, value: Any) -> tuple[bytes, dict[str, str]]:
    fields: dict[str, str] = {"alt": "A lantern", "position": "1"}
    file_name, content = "a.png", corpus.pictures.GOOD
    if kind == "form" and name == "file":
        file_name, content = corpus.FILES[value]
    elif kind == "form":
        fields[name] = value
    lines = b"".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n'.encode()
        + _bytes(text)
        + b"\r\n"
        for key, text in fields.items()
    )
    if not (kind == "form" and name == "url"):
        lines += (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="'.encode()
            + _bytes(file_name)
            + b'"\r\nContent-Type: image/png\r\n\r\n'
            + content
            + b"\r\n"
        )
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    return lines + f"--{_BOUNDARY}--\r\n".encode(), headers
