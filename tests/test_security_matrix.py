"""Every route against every caller, and somebody else's things against nothing at all."""

import copy
import dataclasses
import re
from fnmatch import fnmatchcase
from itertools import product
from urllib.parse import quote
from uuid import UUID

import pytest
from django.test import Client

from accounts.roles import ROLES
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from cart.tests.factories import CouponFactory
from orders.models import Order
from orders.tests.trade import client_of, place
from shipping.models import Shipment
from shop_backend.kernel.access import Permission
from tests.client import ShopClient
from tests.contract.document import path_of, published
from tests.routes import api_routes
from tests.security_matrix import (
    CALLERS,
    IN,
    REFUSED,
    Inquiry,
    committed,
    committed_overview,
    nothing_lasts,
    overview,
)

pytestmark = pytest.mark.django_db

ROUTES = api_routes()
DOCUMENT = published()
PAGING = {"page", "page_size", "cursor", "ordering"}
NO_TOKEN = "401"
WRITE = "if this is meant, run: python -m tests.security_matrix"
OWNED_PATHS = {
    "accounts/sessions/{id}",
    "accounts/users/{id}",
    "cart/items/{line_id}",
    "orders/user/{user_id}",
    "orders/{name}",
    "payments/{id}",
    "returns/{return_id}",
    "reviews/{id}",
    "shipping/addresses/{id}",
    "shipping/shipments/{id}",
}


# Beside the admin site: where nobody's request is done, and why.
DONE_FOR_NOBODY = {
    "POST /favicon.ico",
    "POST /redoc/",
    "POST /swagger.json",
    "POST /swagger.yaml",
    "POST /swagger/",
}
# The administrator's own second factor is asked for: accounts/tests/test_lost_factors.py.
ACTS_NOT_DONE = {"POST /admin/accounts/user/<path:object_id>/lost-second-factor/"}
GOLDEN = committed()


@pytest.fixture
def inquiry():
    with nothing_lasts():
        yield Inquiry()


def differences(asked, of):
    """Return the cells that are not the document's, and rows that only one of the two has."""
    golden = {name: row for name, row in GOLDEN.items() if of(name)}
    found = []
    for name in sorted(asked.keys() | golden.keys()):
        met, said = asked.get(name, {}), golden.get(name, {})
        found += [
            f"{name}, {caller}: {met.get(caller)}, not {said.get(caller)}"
            for caller in CALLERS
            if met.get(caller) != said.get(caller)
        ]
    return found


PAGES = tuple(f"/{page}" for page in ("admin/", "favicon", "media/", "health/", "swagger", "redoc"))


def is_page(name):
    address = name.split(" ")[1]
    return address.startswith(PAGES) and address != "/health/invariants/"


@pytest.mark.parametrize(("face", "only"), [("api/", "/health/"), ("", "/payments/webhooks/")])
def test_every_operation_answers_each_caller_as_the_matrix_says(inquiry, face, only):
    asked = inquiry.api_rows(face)

    assert differences(asked, lambda name: not is_page(name) and only not in name) == [], WRITE


def test_every_page_and_act_of_the_admin_site_answers_each_caller_as_the_matrix_says(inquiry):
    asked = inquiry.page_rows()

    assert differences(asked, is_page) == [], WRITE


def test_the_overview_is_that_of_the_matrix():
    api = {name: row for name, row in GOLDEN.items() if not is_page(name)}

    assert committed_overview() == overview(api), WRITE


def test_the_matrix_shows_everything_done_by_somebody():
    never = {name for name, row in GOLDEN.items() if IN not in row.values()}

    assert {name for name in never if "/admin/" not in name} == DONE_FOR_NOBODY
    acts = {
        name
        for name in never
        if "/admin/" in name and REFUSED in GOLDEN[name].values() and "delete_selected" not in name
    }
    assert acts == ACTS_NOT_DONE


def test_the_matrix_refuses_what_the_declared_access_refuses():
    let_in = [
        f"{route.template}: {caller}"
        for route in ROUTES
        if isinstance(route.access, Permission)
        for caller, cell in golden_of(route).items()
        if cell == IN and (caller not in ROLES or not admits(route.access, caller))
    ]

    assert let_in == []


def golden_of(route):
    return GOLDEN[f"{route.method.upper()} /{route.template.removeprefix('api/')}"]


def admits(access, role):
    names = {access.name}
    if type(access) is not Permission:  # whoever refunds at all
        names.add(f"{access.name}_within_limit")
    return any(fnmatchcase(name, pattern) for name in names for pattern in ROLES[role])


def test_no_cell_says_that_a_dead_sign_in_is_worth_more_than_none():
    more = [
        f"{name}: {caller}"
        for name, row in GOLDEN.items()
        for caller in ("deactivated", "unverified", "expired", "revoked")
        if row[caller] == IN and row["anonymous"] != IN
    ]

    assert more == []


@pytest.mark.parametrize("door", ["accounts/login/", "accounts/token/", "auth/jwt/create/"])
def test_an_account_that_is_not_verified_gets_no_token(door):
    user = UserFactory(email_verified_at=None)

    answer = ShopClient().post(f"/api/{door}", {"username": user.username, "password": PASSWORD})

    assert answer.status_code == 401


@pytest.mark.parametrize("role", ["support", "warehouse", "manager", "admin"])
def test_every_list_of_the_admin_site_can_be_drawn(role):
    browser = Client()
    browser.force_login(StaffFactory(role=role))
    shown = [
        name.removeprefix("GET ")
        for name, row in GOLDEN.items()
        if re.fullmatch(r"GET /admin/[a-z]+/[a-z]+/", name) and row[role] == IN
    ]

    statuses = {path: browser.get(path).status_code for path in shown}

    assert set(statuses.values()) == {200}, statuses


# --- Somebody else's


OWNED_IN_BODIES = {"address_id", "order_id", "line_id"}
# What else a customer's body names; it is nobody's.
PUBLIC_IN_BODIES = {"method_id", "product_id", "shipping_method_id", "variant_id"}
MISSING = {"uuid": "00000000-0000-4000-8000-000000000000", "number": "R00000000", "pk": 987654321}


def a_missing(value):
    """Return what names nothing, and has the form of this key or number."""
    kind = "pk" if isinstance(value, int) else "uuid" if isinstance(value, UUID) else "number"
    return MISSING[kind]


def without_anns(node):
    """Return a request's values with what names things of Ann's replaced."""
    if isinstance(node, list):
        return [without_anns(each) for each in node]
    return {
        key: without_anns(value)
        if isinstance(value, (dict, list))
        else a_missing(value)
        if key in {*OWNED_IN_BODIES, "name"}
        else value
        for key, value in node.items()
    }


def shop_without_anns(shop):
    """Return the same shop, whose requests name things that are not there."""
    other = copy.copy(shop)
    other.parts = {
        part: without_anns(value)
        if isinstance(value, dict)
        else a_missing(value)
        if part in OWNED_PATHS
        else value
        for part, value in shop.parts.items()
    }
    other.bodies = {name: without_anns(body) for name, body in shop.bodies.items()}
    return other


def told(inquiry, asked, method):
    with nothing_lasts():
        answer = inquiry.send(asked, method)
    return answer.status_code, answer.content


def test_anothers_things_answer_byte_for_byte_like_missing_ones(inquiry):
    caller, gone = inquiry.callers["another"], shop_without_anns(inquiry.shop)
    asked, differing = 0, []
    for route in ROUTES:
        if golden_of(route)["another"] != "404":
            continue
        theirs, none = inquiry.shop.request(route, caller), gone.request(route, caller)
        assert theirs != none, route
        for body in (theirs.body, "{}"):
            with_theirs = dataclasses.replace(theirs, body=body)
            with_none = dataclasses.replace(none, body=none.body if body == theirs.body else body)
            if with_theirs == with_none:
                continue  # what is somebody's stood in the body
            asked += 1
            answers = [told(inquiry, each, route.method) for each in (with_theirs, with_none)]
            if answers[0] != answers[1]:
                differing.append(f"{route.method} {theirs.path}: {answers}")

    assert differing == []
    assert asked > 80


def test_every_field_by_which_a_customer_may_name_somebodys_thing_is_asked():
    named = set()
    for route in ROUTES:
        operation = DOCUMENT.operations.get((route.method, path_of(route.template)))
        is_open = IN in [golden_of(route)[name] for name in ("owner", "another")]
        if operation is not None and operation.body_schema is not None and is_open:
            named |= fields_of(operation.body_schema)

    naming = {
        name
        for name in named
        if name.endswith("_id") or name in {"order", "payment", "customer", "user", "owner"}
    }
    assert naming == OWNED_IN_BODIES | PUBLIC_IN_BODIES


def fields_of(schema):
    if "$ref" in schema:
        schema = DOCUMENT.text["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    found = set()
    for name, child in schema.get("properties", {}).items():
        if not child.get("readOnly"):
            found |= {name} | fields_of(child)
    return found | (fields_of(schema["items"]) if "items" in schema else set())


def test_in_bodies_anothers_things_answer_byte_for_byte_like_missing_ones(inquiry):
    shop, bob = inquiry.shop, inquiry.callers["another"].user
    own = Order.objects.get(customer=bob).number
    items = {"items": [{"variant_id": shop.variant.pk, "quantity": 1}]}
    requests = [
        ("post", "orders/", lambda value: {**items, "address_id": value}, "address_id"),
        ("post", "orders/", lambda value: {"address_id": value}, "address_id"),
        ("post", "payments/", lambda value: {**CARD, "order_id": value}, "order_id"),
        ("post", "payment/", lambda value: {"order_id": value}, "order_id"),
        ("post", "shipping/quotes/", lambda value: {"address_id": value}, "address_id"),
        ("put", "cart/shipping/", lambda value: {"address_id": value}, "address_id"),
        ("post", f"orders/{own}/returns/", of_one_line, "line_id"),
    ]

    for method, path, body_of, name in requests:
        answers = []
        for value in (shop.wanted[name], a_missing(shop.wanted[name])):
            with nothing_lasts():
                ask = getattr(client_of(bob), method)
                answer = ask(f"/api/{path}", body_of(value), format="json")
            answers.append((answer.status_code, answer.content.replace(str(value).encode(), b"")))

        assert answers[0] == answers[1], path
        assert answers[0][0] == 404, path


CARD = {"payment_method": "pm_card_visa"}


def of_one_line(line_id):
    return {"lines": [{"line_id": line_id, "quantity": 1}]}


def test_a_coupon_that_another_has_used_answers_like_one_that_nobody_has(inquiry):
    ann, bob = (inquiry.callers[name].user for name in ("owner", "another"))
    for code in ("USED-UP-BY-ANN", "USED-BY-NOBODY"):
        CouponFactory(code=code, per_customer_limit=1)
    place(ann, (inquiry.shop.variant, 1), coupon="USED-UP-BY-ANN")

    def said(user, code, path):
        with nothing_lasts():
            body = {"code": code, "coupon": code}
            answer = client_of(user).post(f"/api/{path}", body, format="json")
        return answer.status_code, of_no_moment(answer.json(), code)

    for path in ("cart/coupon/", "orders/"):
        assert said(bob, "USED-UP-BY-ANN", path) == said(bob, "USED-BY-NOBODY", path)
        assert said(bob, "USED-UP-BY-ANN", path)[0] in {200, 201}
        assert said(ann, "USED-UP-BY-ANN", path)[0] == 409


def of_no_moment(node, code):
    """Return an answer without the keys, numbers and times of what was just made."""
    if isinstance(node, dict):
        return {
            key: of_no_moment(value, code)
            for key, value in node.items()
            if not key.endswith(("id", "_at", "number"))
        }
    if isinstance(node, list):
        return [of_no_moment(each, code) for each in node]
    return node.replace(code, "") if isinstance(node, str) else node


def test_in_query_strings_anothers_things_answer_byte_for_byte_like_missing_ones(inquiry):
    client, ann = client_of(inquiry.callers["another"].user), inquiry.shop.ann
    shipment = Shipment.objects.filter(customer=ann)[0]
    names = (ann.username, ann.email, shipment.reference, shipment.tracking_number)
    pairs = [(name, "z" * len(name)) for name in names]
    keys = (ann.pk, inquiry.shop.parts["payments/{id}"])
    pairs += [(str(key), "987654321") for key in keys]
    asked, differing = 0, []
    for (path, name), (theirs, none) in product(queries_of_own_lists(), pairs):
        if name == "search" and theirs.isdigit():
            continue  # a few digits are found in one's own numbers, too
        answers = []
        for value in (theirs, none):
            answer = client.get(path, {name: value})
            answers.append((answer.status_code, without(value, answer.content)))
        asked += 1
        if answers[0] != answers[1]:
            differing.append(f"{path}?{name}={theirs}: {answers}")

    assert differing == []
    assert asked > 50


def queries_of_own_lists():
    """Return path and name of every parameter of what shows everybody their own."""
    return [
        (face + path.removeprefix("/api"), part["name"])
        for (method, path), operation in DOCUMENT.operations.items()
        if method == "get" and is_ones_own(GOLDEN.get(f"GET {path.removeprefix('/api')}", {}))
        for part in operation.published["parameters"]
        if part["in"] == "query" and part["name"] not in PAGING
        for face in ("/api", "")
    ]


def is_ones_own(row):
    return (row.get("anonymous"), row.get("another")) == (NO_TOKEN, IN)


def without(value, content):
    """Return an answer without the value that was sent; a key or a time stays as it is."""
    for sent in {value, quote(value, safe="")}:
        content = re.sub(rf"(?<![\d:.T-]){re.escape(sent)}(?![\d:.T-])".encode(), b"", content)
    return content
