"""What a body is on its way in and on its way out, as two schemas where they differ.

A serializer is one class for both ways, and so is the definition that drf-yasg makes of it. An
answer keeps to other rules than a request: it has every key, and the limits of what may be sent
are not promises about what is stored.
"""

from collections.abc import Iterator
from typing import Any

_REFERENCE = "#/definitions/"
_ONLY_FOR_REQUESTS = ("minLength", "maxLength", "pattern", "minItems", "maxItems", "default")
REQUEST_SUFFIX = "Request"
# Set in a serializer's ``swagger_schema_fields``: the keys that an answer may leave out.
OPTIONAL_KEYS = "x-optional"


def separate(document: Any) -> None:
    """Give requests and responses definitions of their own and make those of responses exact.

    A definition that serves both keeps its name for the response; the request's is named with
    "Request" behind.
    """
    definitions = document["definitions"]
    operations = list(_operations(document))
    bodies = [body for operation in operations for body in _bodies(operation)]
    answered = _reachable(definitions, [operation["responses"] for operation in operations])
    asked = _reachable(definitions, bodies)
    shared = asked & answered
    for name in sorted(shared):
        definitions[name + REQUEST_SUFFIX] = _writable(definitions[name], shared)
    for name in asked - shared:
        definitions[name] = _renamed(definitions[name], shared)
    for body in bodies:
        body["schema"] = _renamed(body["schema"], shared)
    for name in answered:
        definitions[name] = _exact(definitions[name])
    for operation in operations:
        for response in operation["responses"].values():
            if "schema" in response:
                response["schema"] = _exact(response["schema"])


def _bodies(operation: Any) -> list[Any]:
    return [parameter for parameter in operation["parameters"] if parameter["in"] == "body"]


def _operations(document: Any) -> Iterator[Any]:
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                yield operation


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix(_REFERENCE)
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)


def _reachable(definitions: Any, nodes: Any) -> set[str]:
    found: set[str] = set()
    waiting = set(_references(nodes))
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_references(definitions[name])) - found
    return found


def _exact(schema: Any) -> Any:
    """Return the answer's side of a schema; the original may serve other documents too."""
    exact = {
        key: value
        for key, value in schema.items()
        if key not in _ONLY_FOR_REQUESTS and key != OPTIONAL_KEYS
    }
    if "properties" in schema:
        optional = schema.get(OPTIONAL_KEYS, ())
        exact.pop("required", None)
        if always := [name for name in schema["properties"] if name not in optional]:
            exact["required"] = always
        exact["properties"] = {name: _exact(child) for name, child in schema["properties"].items()}
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            exact[part] = _exact(schema[part])
    return exact


def _writable(schema: Any, shared: set[str]) -> Any:
    """Return the request's side of a definition: without what only answers have."""
    copy = _renamed(schema, shared)
    copy["properties"] = {
        name: child for name, child in copy["properties"].items() if not child.get("readOnly")
    }
    return copy


def _renamed(node: Any, shared: set[str]) -> Any:
    """Return a copy that points at the requests' definitions."""
    if isinstance(node, dict):
        copy = {key: _renamed(child, shared) for key, child in node.items()}
        name = str(copy.get("$ref", "")).removeprefix(_REFERENCE)
        if name in shared:
            copy["$ref"] = _REFERENCE + name + REQUEST_SUFFIX
        return copy
    if isinstance(node, list):
        return [_renamed(child, shared) for child in node]
    return node
