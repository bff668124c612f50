"""The attacks on input leave no place out, and see what is wrong."""

import io
import json
from random import Random
from unittest.mock import patch

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory
from drf_yasg.generators import OpenAPISchemaGenerator

from shop_backend import docs
from shop_backend.kernel.requests import ShopHandler
from tests.chaos.wire import Answer
from tests.contract.document import published
from tests.security import elsewhere
from tests.security.firing import fault_of
from tests.security.hostile import Gunner
from tests.security.shop import Shop

DOCUMENT = published()


@pytest.mark.django_db
def test_every_parameter_header_and_field_of_the_document_is_a_place():
    gunner = Gunner(DOCUMENT, Shop("staff", seed=1), seed=1)
    missed = []
    for operation in DOCUMENT.by_name.values():
        places = set(gunner.places(operation))
        wanted = {"header Authorization", "header If-Match", "header Idempotency-Key"}
        for part in operation.published["parameters"]:
            if part["in"] == "body":
                wanted |= {f"field {name}" for name in writable(part["schema"])} | {"body"}
            else:
                kind = {"formData": "form"}.get(part["in"], part["in"])
                wanted.add(f"{kind} {part['name']}")
        wanted |= {f"path {piece.split('}')[0]}" for piece in operation.path.split("{")[1:]}
        missed += [f"{operation.name}: {place}" for place in sorted(wanted - places)]

    assert missed == []


def writable(schema):
    if "$ref" in schema:
        schema = DOCUMENT.text["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    properties = schema.get("properties", {})
    return [name for name, child in properties.items() if not child.get("readOnly")]


@pytest.fixture
def _connection_stays():
    """Keep the test's transaction, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("_connection_stays")
def test_no_hostile_header_or_form_breaks_an_address_that_the_document_does_not_name(settings):
    settings.SERVE_MEDIA = True
    broken, handler, chance = [], ShopHandler(), Random(1)
    # drf-yasg looks for the operations anew for each page of documentation.
    without_operations = patch.object(OpenAPISchemaGenerator, "get_endpoints", return_value={})
    with without_operations, patch.object(docs, "_kept", {}):
        for request in elsewhere.requests(chance, most=1):
            answered = sent(handler, request)
            if not 200 <= answered < 500:
                broken.append(f"{request.method} {request.path} {request.headers}: {answered}")

    assert broken == []
    assert len(elsewhere.addresses()) > 15


def sent(handler, request):
    """Return the status of what the WSGI application answers."""
    statuses = []
    environ = {
        **RequestFactory()._base_environ(),
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "CONTENT_LENGTH": str(len(request.body or b"")),
        "wsgi.input": io.BytesIO(request.body or b""),
        "HTTP_HOST": "localhost",
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    response = handler(environ, lambda status, headers: statuses.append(int(status[:3])))
    response.close()
    return statuses[0]


GOOD = {"success": True, "message": "OK.", "data": {}}
REFUSAL = {"success": False, "message": "No.", "data": None, "code": "not_found"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (0, b"", ""),
        (500, json.dumps({**REFUSAL, "code": "server_error"}).encode(), "application/json"),
        (503, b"", ""),
        (402, json.dumps(REFUSAL).encode(), "application/json"),
        (404, b"<h1>Not Found</h1>", "text/html"),
        (404, json.dumps({**REFUSAL, "trace": "x"}).encode(), "application/json"),
        (200, json.dumps(GOOD).encode(), "application/json"),
        (204, b"", ""),
    ],
)
def test_an_answer_that_is_not_published_is_a_finding(status, body, kind):
    operation = DOCUMENT.by_name["orders_read"]
    answer = Answer(status, {"Content-Type": kind}, body)

    assert fault_of(DOCUMENT, operation, "/api/orders/R1/", answer, vendor="postgresql")


def test_a_refusal_that_is_published_is_none():
    answer = Answer(404, {"Content-Type": "application/json"}, json.dumps(REFUSAL).encode())

    assert (
        fault_of(
            DOCUMENT,
            DOCUMENT.by_name["orders_read"],
            "/api/orders/R1/",
            answer,
            vendor="postgresql",
        )
        == ""
    )
