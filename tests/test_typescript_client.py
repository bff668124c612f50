"""Somebody else's tools read the published document, and buy with what they make of it."""

import json
import re
from pathlib import Path

import pytest
from django.db import connection

from tests import typescript
from tests.test_served import environment_for, free_port, manage, serving
from tests.typescript import OPENAPI, SOURCES, SWAGGER, NodeUnavailable

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def client(tmp_path: Path) -> Path:
    if connection.vendor != "sqlite":
        pytest.skip("what a client sees does not depend on the database; it runs on SQLite")
    folder = tmp_path / "client"
    folder.mkdir()
    try:
        typescript.lay_out(folder)
    except NodeUnavailable as reason:
        pytest.skip(str(reason))
    return folder


def outline(document):
    """Return what a document names: operations with parameters and statuses, and schemas."""
    schemas = document.get("definitions") or document["components"]["schemas"]
    operations = {
        (path, method, operation["operationId"], *sorted(operation["responses"]))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }
    return operations, {
        (name, *sorted(schema.get("properties", {}))) for name, schema in schemas.items()
    }


def test_both_documents_name_the_same_operations_and_schemas():
    swagger, openapi = (json.loads(path.read_text()) for path in (SWAGGER, OPENAPI))

    assert openapi["openapi"].startswith("3.0.")
    assert outline(openapi) == outline(swagger), "run: python -m tests.typescript (it needs node)"


def test_the_committed_openapi_document_is_the_converted_one(client):
    target = client / "openapi3.json"

    typescript.run(client, "node", "convert.mjs", str(SWAGGER), str(target))

    assert target.read_text() == OPENAPI.read_text(), "run: python -m tests.typescript"


def test_a_generated_client_compiles_strictly_and_buys(client, tmp_path):
    typescript.run(client, "openapi-typescript", str(OPENAPI), "-o", "schema.d.ts")
    typescript.run(client, "tsc")  # with noEmitOnError
    environment = environment_for(
        {"DB_NAME": str(tmp_path / "shop.sqlite3")},
        DEBUG="True",
        EMAIL_FILE_PATH=str(tmp_path / "mails"),
    )
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "load_demo")
    port = free_port()

    with serving(environment, "manage.py", "runserver", "--noreload", f"{port}", port=port) as base:
        order = json.loads(typescript.run(client, "node", "built/buy.js", base))

    assert order["status"] == "shipped"
    assert order["tracking_number"]


def test_the_compiler_refuses_what_the_document_does_not_say(client):
    typescript.run(client, "openapi-typescript", str(OPENAPI), "-o", "schema.d.ts")
    program = client / "buy.ts"
    text = program.read_text()
    for right, wrong in [("cart_empty", "cart_is_empty"), ("cart.total", "cart.sum")]:
        assert right in text
        text = text.replace(right, wrong)
    program.write_text(text.replace('status: "processing"', 'status: "proces"'))

    with pytest.raises(AssertionError) as refused:
        typescript.run(client, "tsc", "--noEmit")

    for wrong in ("cart_is_empty", "'sum'", "proces"):
        assert wrong in str(refused.value)


def test_the_client_asks_the_compiler_for_no_favours():
    program = (SOURCES / "buy.ts").read_text()

    assert re.findall(r"\bany>|[:<] ?any\b|\bas (?:[A-Z]|\w+[;)\[])|@ts-|\w!\.", program) == []
    assert '"resolved"' not in (SOURCES / "package-lock.json").read_text()
    pins = json.loads((SOURCES / "package.json").read_text())
    versions = {**pins["dependencies"], **pins["devDependencies"]}.values()
    assert all(version[0].isdigit() for version in versions)
