"""What is one thing has a tag, and a change is made to what its sender has seen."""

import dataclasses
import re

import pytest
from django.test import override_settings

from orders.tests.trade import buyer, client_of
from shipping.tests.factories import ShipmentFactory
from tests.routes import api_routes
from tests.security_matrix import CALLERS, IN, STRIPE, Inquiry, committed, nothing_lasts

pytestmark = pytest.mark.django_db

ROUTES = api_routes()
CHANGES = [route for route in ROUTES if route.method in {"put", "patch", "delete"}]
# The seconds that it took are never the same.
WITHOUT_TAG = {"health/invariants/"}
# Where what is changed is shown, if that is not at the path of the change.
SHOWN_AT = {
    r"/cart/(items/\d+|shipping|coupon)/$": "/cart/",
    r"/(edit|delete)/": "/",
}
# A session is shown in the list alone: no client has a tag of it.
LISTED_ONLY = "accounts/sessions/"


def test_every_get_of_one_thing_has_a_tag():
    without = {
        route.template.removeprefix("api/")
        for route in ROUTES
        if route.method == "get"
        if route.action not in {"list", *route.view.etag_actions}
    }

    assert without == WITHOUT_TAG


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize(
    "path",
    ["accounts/two-factor/", "accounts/user/export/", "payments/config/", "shipping/track/T1/"],
)
def test_what_is_no_row_of_a_list_is_known_again_by_its_tag(prefix, path):
    ShipmentFactory(tracking_number="T1")
    client = client_of(buyer())

    first = client.get(f"{prefix}/{path}")
    again = client.get(f"{prefix}/{path}", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.fixture
def inquiry():
    with nothing_lasts(), override_settings(**STRIPE):
        yield Inquiry()


def good_request(inquiry, route):
    """Return a request of the route that is done, of the first caller who may."""
    row = committed()[f"{route.method.upper()} /{route.template.removeprefix('api/')}"]
    caller = next(name for name in CALLERS if row[name] == IN)
    return inquiry.shop.request(route, inquiry.callers[caller])


def tag_of(inquiry, asked):
    """Return the tag of what a request changes."""
    if LISTED_ONLY in asked.path:
        return "*"
    path = asked.path
    for pattern, instead in SHOWN_AT.items():
        path = re.sub(pattern, instead, path)
    shown = inquiry.send(dataclasses.replace(asked, path=path, body=""), "get")
    return shown.headers.get("ETag", f"none: {shown.status_code} at {path}")


def test_every_change_is_made_to_what_was_seen_and_to_nothing_else(inquiry):
    answers = {}
    for route in CHANGES:
        asked = good_request(inquiry, route)
        with nothing_lasts():
            etag = tag_of(inquiry, asked)
            answers[f"{route.method} {route.template}"] = [
                inquiry.send(
                    dataclasses.replace(asked, headers={**asked.headers, "If-Match": tag}),
                    route.method,
                ).status_code
                for tag in ('"stale"', etag)
            ]

    assert {name: found for name, found in answers.items() if not is_right(*found)} == {}


def is_right(of_stale, of_seen):
    """Return whether the first change was refused, and left what the second was made to."""
    return of_stale == 412 and of_seen < 300
