"""The check of every answer against the published document is itself checked."""

import json
import re

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from shop_backend import recorded_examples
from tests.client import ShopClient
from tests.contract.checker import Checker, ContractBroken
from tests.contract.document import OTHER_NAMES, Document, path_of, published
from tests.contract.plugin import checker
from tests.routes import api_routes

ADDRESS = {
    "type": "object",
    "required": ["id", "city"],
    "properties": {
        "id": {"type": "integer"},
        "city": {"type": "string", "x-nullable": True},
        "kind": {"type": "string", "enum": ["home"], "x-nullable": True},
        "near": {"type": "array", "items": {"$ref": "#/definitions/Address"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "created_at": {"type": "string", "format": "date-time"},
    },
}
DOCUMENT = {
    "paths": {
        "/api/shipping/addresses/{id}/": {
            "get": {
                "operationId": "addresses_read",
                "responses": {
                    "200": {
                        "schema": {
                            "type": "object",
                            "required": ["success", "message", "data"],
                            "properties": {
                                "success": {"type": "boolean", "enum": [True]},
                                "message": {"type": "string"},
                                "data": {"$ref": "#/definitions/Address"},
                            },
                        }
                    },
                    "404": {"schema": {"$ref": "#/definitions/Error"}},
                },
            },
        }
    },
    "definitions": {
        "Address": ADDRESS,
        "Error": {
            "type": "object",
            "required": ["success", "message", "data", "code"],
            "properties": {
                "success": {"type": "boolean", "enum": [False]},
                "message": {"type": "string"},
                "data": {"type": "object", "x-nullable": True},
                "code": {"type": "string"},
            },
        },
    },
}
GOOD = {"id": 1, "city": "Rome"}
REFUSAL = {"success": False, "message": "Not found.", "data": None, "code": "not_found"}


def check(body, *, status=200, path="/shipping/addresses/1/", method="get"):
    """Let a checker of the small document see one answer; return it."""
    request = getattr(RequestFactory(), method)(path)
    request.resolver_match = resolve(path)
    checker = Checker(Document(DOCUMENT))
    content = body if isinstance(body, str) else json.dumps(body)
    checker.check(request, HttpResponse(content, status=status, content_type="application/json"))
    return checker


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        {**GOOD, "city": None},
        {**GOOD, "kind": None},
        {**GOOD, "near": [{**GOOD, "near": [GOOD]}]},
        {**GOOD, "labels": {"any": "text"}},
        {**GOOD, "created_at": "2026-01-01T10:00:00Z"},
    ],
)
def test_what_is_published_passes_on_both_faces(body):
    check(body)
    check({"success": True, "message": "OK.", "data": body}, path="/api/shipping/addresses/1/")


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "secret": 1},
        {"id": 1},
        {**GOOD, "id": "1"},
        {**GOOD, "id": None},
        {**GOOD, "kind": "office"},
        {**GOOD, "near": [{**GOOD, "secret": 1}]},
        {**GOOD, "labels": {"any": 1}},
        {**GOOD, "created_at": "yesterday"},
        {**GOOD, "created_at": "2026-01-01T10:00:00+01:00"},
        [GOOD],
        "",
    ],
)
def test_what_differs_fails_on_both_faces(body):
    with pytest.raises(ContractBroken):
        check(body)
    with pytest.raises(ContractBroken):
        check({"success": True, "message": "OK.", "data": body}, path="/api/shipping/addresses/1/")


def test_the_envelope_is_as_closed_as_what_it_carries():
    with pytest.raises(ContractBroken, match="'more' was unexpected"):
        check(
            {"success": True, "message": "OK.", "data": GOOD, "more": 1},
            path="/api/shipping/addresses/1/",
        )


def test_a_status_that_is_not_published_fails():
    with pytest.raises(ContractBroken, match="answered 409"):
        check({"detail": "No.", "code": "no"}, status=409)


def test_a_route_that_is_not_published_fails():
    with pytest.raises(ContractBroken, match="zones/ is not published"):
        check({}, path="/shipping/zones/")


def test_a_refusal_has_the_shape_of_its_face():
    check(REFUSAL, status=404, path="/api/shipping/addresses/1/")
    check({"detail": "Not found.", "code": "not_found"}, status=404)
    check({"city": ["Too long."]}, status=404)

    with pytest.raises(ContractBroken):
        check(REFUSAL, status=404)
    with pytest.raises(ContractBroken):
        check({"detail": "Not found."}, status=404)
    with pytest.raises(ContractBroken):
        check({**REFUSAL, "trace": []}, status=404, path="/api/shipping/addresses/1/")


def test_what_any_address_may_answer_is_a_refusal_too():
    check({"detail": "No such method.", "code": "method_not_allowed"}, status=405, method="post")

    with pytest.raises(ContractBroken):
        check(GOOD, status=405, method="post")


def test_what_was_checked_is_counted():
    assert check(GOOD).unreached() == []
    assert check({"detail": "No.", "code": "no"}, status=404).unreached() == ["addresses_read"]


@pytest.mark.django_db
def test_the_clients_of_the_tests_are_checked():
    before = checker().checked["payments_config", 200]

    ShopClient().get("/payments/config/")

    assert checker().checked["payments_config", 200] == before + 1


def test_every_other_name_is_a_published_path():
    paths = published().paths

    assert {"/api/" + path for path in OTHER_NAMES.values()} <= paths
    assert {path_of(route.template) for route in api_routes()} >= paths


@pytest.fixture(scope="module")
def examples():
    return recorded_examples.recorded()


def test_every_operation_has_a_recorded_example(examples):
    assert sorted(set(published().by_name) - set(examples)) == []
    assert sorted(set(examples) - set(published().by_name)) == []


def test_every_recorded_answer_is_as_published(examples):
    document = published()
    for name, example in examples.items():
        for answer in filter(None, (example["response"], example.get("refusal"))):
            responses = document.by_name[name].responses
            status = str(answer["status"])
            if "schema" in responses[status]:
                document.dialect.validator(responses[status]["schema"]).validate(answer["body"])
            else:
                assert answer["body"] is None, name


def test_every_recorded_request_is_as_published(examples):
    document = published()
    for name, example in examples.items():
        if "request" in example:
            schema = document.by_name[name].body_schema
            document.dialect.validator(schema).validate(example["request"])


def test_no_recorded_example_holds_a_secret_or_a_person(examples):
    text = re.sub(r'"test": "[^"]*"', "", json.dumps(examples))  # names may speak of secrets

    assert set(re.findall(r"[\w.+-]+@([\w.-]+)", text)) <= {"example.com"}
    assert not re.search(r"eyJ|sk_|whsec_|_secret_(?!example)", text)


def test_swagger_shows_the_recorded_examples(examples):
    for name, operation in published().by_name.items():
        answer = examples[name]["response"]
        published_answer = operation.responses[str(answer["status"])]
        if "schema" in published_answer:
            assert published_answer["examples"] == {"application/json": answer["body"]}, name
