"""The examples in Swagger: bodies that passing tests have sent and got.

``python -m tests.record_examples`` writes them to ``docs/api/examples.json``.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

RECORDED = Path(settings.BASE_DIR) / "docs" / "api" / "examples.json"
_JSON = "application/json"
_REFERENCE = "#/definitions/"
# A body that several operations take shows the example of the first of these.
_METHODS = ("post", "put", "patch", "delete")


@cache
def recorded() -> dict[str, Any]:
    """Return the examples by operation id, read once; none where the file is not deployed."""
    return json.loads(RECORDED.read_text()) if RECORDED.exists() else {}


def show(document: Any) -> None:
    """Put the recorded examples into a document whose request definitions are its own."""
    examples = recorded()
    operations = [
        (_METHODS.index(method), operation)
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in _METHODS
    ]
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and operation.get("operationId") in examples:
                _show_answers(operation, examples[operation["operationId"]])
    for _, operation in sorted(operations, key=lambda pair: pair[0]):
        _show_request(document, operation, examples.get(operation["operationId"], {}))


def _show_answers(operation: Any, example: dict[str, Any]) -> None:
    for answer in filter(None, (example["response"], example.get("refusal"))):
        published = operation["responses"].get(str(answer["status"]))
        if published is not None and "schema" in published:
            published["examples"] = {_JSON: answer["body"]}


def _show_request(document: Any, operation: Any, example: dict[str, Any]) -> None:
    if "request" not in example:
        return
    for parameter in operation["parameters"]:
        if parameter["in"] == "body" and "$ref" in parameter["schema"]:
            name = parameter["schema"]["$ref"].removeprefix(_REFERENCE)
            document["definitions"][name].setdefault("example", example["request"])
