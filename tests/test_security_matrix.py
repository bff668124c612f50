"""Every operation against every caller, and somebody else's things against nothing at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import services, tokens
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from cart.models import CartLine
from catalog.tests.factories import VariantFactory
from orders.models import OrderLine
from orders.tests.trade import ask_back, buyer, client_of, place_and_deliver
from payments.models import Payment
from shipping.models import Address, Shipment
from shipping.tests.factories import AddressFactory
from tests import security_matrix
from tests.client import ShopClient
from tests.routes import api_routes
from tests.security_matrix import CALLERS, IN, NO_RIGHT, NO_TOKEN

pytestmark = pytest.mark.django_db

ROUTES = api_routes()
_DOOR_CODES = {"not_authenticated", "authentication_failed", "token_not_valid"}


def test_the_document_is_the_present_one():
    committed = security_matrix.DOCUMENT.read_text()

    assert security_matrix.as_markdown() == committed, "run: python -m tests.security_matrix"


@contextmanager
def nothing_lasts() -> Iterator[None]:
    """Undo what a request does, so that the next caller finds the same shop."""
    block = transaction.atomic()
    block._from_testcase = True  # services take it for the test's own
    with block:
        yield
        transaction.set_rollback(True)


def token_of(user) -> str:
    return services.open_session(user=user, device=services.Device(), rotates=True).access


def dead_tokens() -> dict[str, str]:
    expired, revoked, deactivated = UserFactory(), UserFactory(), UserFactory()
    session = Session.objects.create(
        user_id=expired.pk,
        rotates=True,
        refresh_jti="x",
        expires_at=timezone.now() + timedelta(days=1),
    )
    found = {
        "expired": tokens.issue_access(session, now=timezone.now() - timedelta(minutes=11)),
        "revoked": token_of(revoked),
        "deactivated": token_of(deactivated),
    }
    services.revoke_sessions(user=User.objects.get(pk=revoked.pk))
    User.objects.filter(pk=deactivated.pk).update(is_active=False)
    return found


def meets(route, token) -> str:
    """Return what a caller meets at a route's door."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with nothing_lasts():
        response = getattr(ShopClient(), route.method)(
            route.path, {}, format="json", headers=headers
        )
    assert response.status_code < 500, f"{route.method} {route.path}"
    code = response.json().get("code") if response.status_code == 401 else None
    if response.status_code == 401 and code in _DOOR_CODES:
        return NO_TOKEN
    return NO_RIGHT if response.status_code == 403 else IN


@pytest.mark.parametrize("caller", CALLERS)
def test_every_cell_of_the_matrix_is_what_a_caller_meets(caller):
    if caller == "dead token":
        found = dead_tokens()
    elif caller == "anonymous":
        found = {caller: ""}
    elif caller == "customer":
        found = {caller: token_of(UserFactory())}
    else:
        found = {caller: token_of(StaffFactory(role=caller))}

    wrong = [
        f"{route.method} {route.template}: {who} meets {met}"
        for route in ROUTES
        for who, token in found.items()
        if (met := meets(route, token)) != security_matrix.verdicts(route)[caller]
    ]

    assert wrong == []


@pytest.mark.parametrize("door", ["accounts/login/", "accounts/token/", "auth/jwt/create/"])
def test_an_account_that_is_not_verified_gets_no_token(door):
    user = UserFactory(email_verified_at=None)

    answer = ShopClient().post(f"/api/{door}", {"username": user.username, "password": PASSWORD})

    assert answer.status_code == 401


@pytest.mark.parametrize("role", ["anonymous", "customer", *CALLERS[3:]])
def test_every_list_of_the_admin_site_opens_to_the_roles_of_the_matrix(role):
    browser = Client()
    if role == "customer":
        browser.force_login(UserFactory())
    elif role != "anonymous":
        browser.force_login(StaffFactory(role=role))
    expected = {path: found.get(role) for path, found in security_matrix.admin_rows()}

    wrong = []
    for path, verdict in expected.items():
        status = browser.get(path).status_code
        if status != {IN: 200, NO_RIGHT: 403, None: 302}[verdict]:
            wrong.append(f"{path}: {status}")

    assert wrong == []
    assert len(expected) == len(admin.site._registry)


@pytest.mark.parametrize("path", ["/swagger/", "/redoc/", "/swagger.json", "/health/live/"])
def test_the_documents_and_the_health_page_are_for_everybody(path):
    assert ShopClient().get(path).status_code == 200


# --- Somebody else's


MISSING = 987654321


@pytest.fixture
def anns():
    """What Ann has, by the name of the path part and the app that it stands in."""
    ann, variant = UserFactory(username="ann"), VariantFactory(stock=50)
    AddressFactory(user=ann, default_for=ann.pk, country="GB", postal_code="M1 1AE")
    order = place_and_deliver(ann, (variant, 2))
    ask_back(order, 1)
    client_of(ann).post("/api/cart/", {"variant_id": variant.pk, "quantity": 1})
    token_of(ann)
    return {
        "users/<int:pk>": ann.pk,
        "sessions/<uuid:pk>": Session.objects.get(user=ann).pk,
        "items/<bigid:line_id>": CartLine.objects.get().pk,
        "user/<bigid:user_id>": ann.pk,
        "<str:name>": order.number,
        "<bigid:return_id>": order.returns.get().pk,
        "payments/<bigid:pk>": Payment.objects.get().pk,
        "addresses/<int:pk>": Address.objects.get().pk,
        "shipments/<int:pk>": Shipment.objects.get().pk,
    }


def filled(template, things):
    """Return the path with these things in it, ``None`` where one is not among them."""
    for part, value in things.items():
        name = part[part.index("<") :]
        if part in template:
            template = template.replace(part, part.replace(name, str(value)))
    return None if "<" in template else f"/{template}"


def missing(things):
    return {
        part: "00000000-0000-4000-8000-000000000000"
        if "uuid" in part
        else "R00000000"
        if part == "<str:name>"
        else MISSING
        for part in things
    }


BODIES = [{}, {"status": "cancelled"}, {"first_name": "Eve"}, {"quantity": 3}]


def test_in_paths_anothers_things_answer_byte_for_byte_like_missing_ones(anns):
    bob = UserFactory()
    client = client_of(bob)
    nothing, asked, told = missing(anns), 0, []
    for route in ROUTES:
        theirs, none = filled(route.template, anns), filled(route.template, nothing)
        if theirs is None or theirs == none or "catalog" in route.template:
            continue
        if security_matrix.verdicts(route)["customer"] != IN:
            continue
        for body in BODIES:
            answers = []
            for path in (theirs, none):
                with nothing_lasts():
                    answer = getattr(client, route.method)(path, body, format="json")
                answers.append((answer.status_code, answer.content))
            asked += 1
            if answers[0] != answers[1]:
                told.append(f"{route.method} {theirs}: {answers}")

    assert told == []
    assert asked > 150


@pytest.mark.parametrize(
    ("method", "path", "body", "name"),
    [
        ("post", "orders/", {"items": [], "address_id": None}, "address_id"),
        ("post", "orders/", {"address_id": None}, "address_id"),
        ("post", "payments/", {"order_id": None, "payment_method": "pm_card_visa"}, "order_id"),
        ("post", "payment/", {"order_id": None}, "order_id"),
        ("post", "shipping/quotes/", {"address_id": None}, "address_id"),
        ("put", "cart/shipping/", {"address_id": None}, "address_id"),
        ("post", "orders/{own}/returns/", {"lines": [{"line_id": None, "quantity": 1}]}, "line_id"),
    ],
)
def test_in_bodies_anothers_things_answer_byte_for_byte_like_missing_ones(
    anns, method, path, body, name
):
    variant = VariantFactory(stock=9)
    theirs = {
        "address_id": anns["addresses/<int:pk>"],
        "order_id": anns["<str:name>"],
        "line_id": OrderLine.objects.get(order__number=anns["<str:name>"]).pk,
    }[name]
    none = "R00000000" if name == "order_id" else MISSING
    if "items" in body:
        body = {**body, "items": [{"variant_id": variant.pk, "quantity": 1}]}
    bob = buyer()
    own = place_and_deliver(bob, (variant, 1)).number
    client = client_of(bob)
    client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")

    answers = []
    for value in (theirs, none):
        asked = (
            {"lines": [{"line_id": value, "quantity": 1}]}
            if "lines" in body
            else {**body, name: value}
        )
        with nothing_lasts():
            answer = getattr(client, method)(f"/api/{path.format(own=own)}", asked, format="json")
        answers.append((answer.status_code, answer.content.replace(str(value).encode(), b"")))

    assert answers[0] == answers[1]
    assert answers[0][0] in {400, 404}


@pytest.mark.parametrize(
    "query", ["orders/?user={ann}", "orders/?customer={ann}", "payments/?order={order}"]
)
def test_in_query_strings_anothers_things_answer_like_missing_ones(anns, query):
    client = client_of(UserFactory())

    theirs = client.get("/" + query.format(ann=anns["users/<int:pk>"], order=anns["<str:name>"]))
    none = client.get("/" + query.format(ann=MISSING, order="R00000000"))

    def told(answer):
        return answer.status_code, answer.json().get("results", answer.json())

    assert told(theirs) == told(none)


def test_the_owner_gets_in_where_the_others_do_not(anns):
    ann = User.objects.get(username="ann")
    for part in ("addresses/<int:pk>", "payments/<bigid:pk>", "shipments/<int:pk>"):
        template = f"{'shipping/' if 'payments' not in part else ''}{part}/"
        path = filled(template, anns)
        assert client_of(ann).get(path).status_code == 200, path
        assert client_of(UserFactory()).get(path).status_code == 404, path
