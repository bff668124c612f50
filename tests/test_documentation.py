"""What is published is what is there."""

import copy
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from swagger_spec_validator.validator20 import validate_spec

from shop_backend import docs, error_codes
from shop_backend.kernel.access import Anyone
from tests.client import ShopClient
from tests.routes import api_routes

pytestmark = pytest.mark.django_db
ROOT = Path(settings.BASE_DIR)
COMMITTED = ROOT / "docs" / "api" / "swagger.json"
METHODS = {"get", "post", "put", "patch", "delete"}
# The other names are the same views; they are listed in the README instead.
UNDOCUMENTED = {
    "",
    "register/",
    "userinfo/",
    "userinfo/edit/",
    "forgot_password/",
    "reset_password/<str:token>/",
    "products/",
    "products/<str:id>/",
    "products/add/",
    "products/edit/<str:id>/",
    "products/delete/<str:id>/",
    "orders/new/",
    "orders/edit/<str:name>/",
    "orders/delete/<str:name>/",
    "users/",
    "users/<int:pk>/",
    "payment/",
    # Spoken to by the built-in sandbox alone.
    "payments/webhooks/sandbox/",
}


@pytest.fixture(scope="module")
def document(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return ShopClient(SERVER_NAME="localhost").get("/swagger.json").json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def test_the_document_is_valid_swagger(document):
    validate_spec(copy.deepcopy(document))  # the validator writes into what it reads


def test_the_committed_copy_is_the_present_one(document):
    committed = json.loads(COMMITTED.read_text())

    assert document == committed, "run: python manage.py write_api_document"


def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(names) == len(set(names))


def test_every_operation_has_a_sentence_and_a_tag(document):
    bare = [
        f"{method} {path}"
        for path, method, operation in operations(document)
        if not operation.get("summary") or len(operation["tags"]) != 1
    ]

    assert bare == []


def test_every_route_but_the_other_names_is_documented(document):
    documented = {(method, path) for path, method, _ in operations(document)}
    routes = {
        (route.method, route.template.removeprefix("api/"))
        for route in api_routes()
        if route.template.startswith("api/")
    }
    expected = {
        (method, "/api/" + plain(template))
        for method, template in routes
        if template not in UNDOCUMENTED
    }

    assert documented == expected


def test_public_operations_ask_for_no_token_and_the_others_do(document):
    access = {
        (route.method, "/api/" + plain(route.template.removeprefix("api/"))): route.access
        for route in api_routes()
    }
    for path, method, operation in operations(document):
        is_public = isinstance(access[(method, path)], Anyone)
        assert (operation.get("security") == []) is is_public, f"{method} {path}"


def test_every_success_is_an_envelope_but_for_djosers(document):
    for path, method, operation in operations(document):
        successes = [r for s, r in operation["responses"].items() if s.startswith("2")]
        assert successes, f"{method} {path}"
        for response in successes:
            has_envelope = "success" in response.get("schema", {}).get("properties", {})
            assert has_envelope is not path.startswith("/api/auth/"), f"{method} {path}"


def test_every_refusal_is_published_in_the_face_it_is_sent_in(document):
    for path, method, operation in operations(document):
        wanted = "PlainError" if path.startswith("/api/auth/") else "Error"
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["schema"] == {"$ref": f"#/definitions/{wanted}"}, (
                    f"{method} {path} {status}"
                )


@pytest.mark.parametrize("path", ["/swagger/", "/redoc/", "/swagger", "/redoc"])
def test_the_pages_load_nothing_from_elsewhere(path):
    response = ShopClient(SERVER_NAME="localhost").get(path)

    assert response.status_code == 200
    html = response.content.decode()
    assert "/swagger.json" in html  # the very document that is tested here
    assert 'src="http' not in html
    assert 'href="http' not in html


def test_browsers_find_an_icon():
    response = ShopClient(SERVER_NAME="localhost").get("/favicon.ico")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["/swagger/", "/redoc/"])
def test_a_page_is_drawn_without_the_document_that_it_fetches(path, monkeypatch):
    asked = []
    get_operation = docs.SchemaGenerator.get_operation

    def counted(self, view, route, *arguments):
        asked.append(route)
        return get_operation(self, view, route, *arguments)

    monkeypatch.setattr(docs.SchemaGenerator, "get_operation", counted)
    page = ShopClient(SERVER_NAME="localhost").get(path, HTTP_ACCEPT="text/html")

    assert page.status_code == 200
    assert "/swagger.json" in page.content.decode()
    assert docs.info.title in page.content.decode()
    assert asked == []


@pytest.mark.parametrize("path", ["/swagger.json", "/swagger.yaml"])
def test_the_document_is_made_once_and_known_by_its_tag(path, monkeypatch):
    made = []
    get_schema = docs.SchemaGenerator.get_schema

    def counted(*arguments, **options):
        made.append(path)
        return get_schema(*arguments, **options)

    monkeypatch.setattr(docs.SchemaGenerator, "get_schema", counted)
    monkeypatch.setattr(docs, "_kept", {})
    client = ShopClient(SERVER_NAME="localhost")

    first, second = client.get(path), client.get(path)
    third = client.get(path, HTTP_IF_NONE_MATCH=first.headers["ETag"])

    assert [each.status_code for each in (first, second, third)] == [200, 200, 304]
    assert first.content == second.content
    assert len(made) == 1


def test_a_refusal_is_not_kept_as_the_document(settings, monkeypatch):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "default": "1/min"}
    monkeypatch.setattr(docs, "_kept", {})
    busy, other = (
        ShopClient(SERVER_NAME="localhost", REMOTE_ADDR=f"203.0.113.{number}") for number in (7, 8)
    )
    while busy.get("/api/catalog/products/").status_code == 200:
        pass

    answers = [client.get("/swagger.json").status_code for client in (busy, other, busy)]

    assert answers == [429, 200, 200]  # what is kept costs nothing


def test_the_document_of_another_address_names_that_address(settings):
    settings.ALLOWED_HOSTS = ["localhost", "shop.example"]
    hosts = [
        ShopClient(SERVER_NAME=name).get("/swagger.json").json()["host"]
        for name in ("localhost", "shop.example", "localhost")
    ]

    assert hosts == ["localhost", "shop.example", "localhost"]


def test_the_document_comes_in_its_own_format_alone():
    client = ShopClient(SERVER_NAME="localhost")

    assert client.get("/swagger.json", HTTP_ACCEPT="text/html").status_code == 406
    assert client.get("/swagger.yaml", HTTP_ACCEPT="application/json").status_code == 406
    assert client.post("/swagger.json").status_code == 405
    assert client.head("/swagger.json").status_code == 200


def plain(template):
    text = template
    for kind in ("bigid:", "str:", "slug:", "int:", "path:", "uuid:"):
        text = text.replace(f"<{kind}", "<")
    return text.replace("<pk>", "<id>").replace("<", "{").replace(">", "}")


def test_the_list_of_error_codes_is_the_present_one():
    assert error_codes.DOCUMENT.read_text() == error_codes.as_markdown(), (
        "run: python manage.py write_error_codes"
    )


def test_the_readme_names_only_error_codes_that_exist():
    known = set(re.findall(r"^\| \d+ \| `(\w+)`", (ROOT / "docs/errors.md").read_text(), re.M))
    section = (ROOT / "README.md").read_text().split("## Error codes")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| \d", line)]

    named = set(re.findall(r"`([a-z_]+)`", "".join(rows))) - {"otp"}  # a field

    assert len(named) > 30
    assert named - known == set()


def test_every_page_that_mails_lead_to_is_listed_for_the_storefront():
    page = (ROOT / "docs/install.md").read_text()
    routes = [
        settings.DJOSER["ACTIVATION_URL"],
        settings.DJOSER["PASSWORD_RESET_CONFIRM_URL"],
        settings.ORDER_PAGE,
        settings.TRACKING_PAGE,
    ]

    assert [route for route in routes if f"| `/{route}` |" not in page] == []
