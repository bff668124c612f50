"""The cart's ETag: a change of any part of it may be bound to the whole that was seen."""

import pytest

from accounts.tests.factories import UserFactory
from cart.models import Cart, CartLine
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.tests.factories import VariantFactory
from shipping.tests.factories import AddressFactory, ShippingMethodFactory
from tests.client import ShopClient
from tests.faces import code_of, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

TYPED = {
    "full_name": "Ada",
    "line1": "1 Lane",
    "city": "Leeds",
    "postal_code": "LS1 1AA",
    "country": "GB",
}


def client_of(user):
    client = ShopClient()
    client.force_authenticate(user)
    return client


def filled_cart():
    """Return a client with a line, an address, a method and a coupon in its cart; and the line."""
    TaxRateFactory()
    user, method, coupon = UserFactory(), ShippingMethodFactory(), CouponFactory()
    AddressFactory(user=user, is_default=True)
    client = client_of(user)
    client.post("/api/cart/", {"variant_id": VariantFactory(stock=9).pk, "quantity": 1})
    client.post("/api/cart/coupon/", {"code": coupon.code})
    body = {"address": TYPED, "method_id": method.pk}
    assert client.put("/api/cart/shipping/", body, format="json").status_code == 200
    return client, CartLine.objects.get()


def test_a_cart_to_which_nothing_was_done_is_known_again():
    client, line = filled_cart()

    first = client.get("/api/cart/")
    etag = first.headers["ETag"]

    assert payload_of(first)["coupon"]["is_applied"]
    assert client.get("/cart/").headers["ETag"] == etag
    again = client.get("/api/cart/", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    client.patch(f"/api/cart/items/{line.pk}/", {"quantity": 2})
    assert client.get("/api/cart/", headers={"If-None-Match": etag}).status_code == 200


CHANGES = [
    ("patch", "items/{}/", {"quantity": 3}),
    ("delete", "items/{}/", None),
    ("put", "shipping/", {"address": {**TYPED, "city": "York"}}),
    ("delete", "coupon/", None),
    ("delete", "", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_change_is_made_only_to_the_cart_that_was_seen(prefix, method, path, body):
    client, line = filled_cart()
    path = f"{prefix}/cart/{path.format(line.pk)}"
    seen = client.get("/cart/").headers["ETag"]
    client.post("/api/cart/", {"variant_id": line.variant_id, "quantity": 2})
    now = client.get("/cart/")

    late = getattr(client, method)(path, body, format="json", headers={"If-Match": seen})

    assert (late.status_code, code_of(late, prefix)) == (412, "precondition_failed")
    assert client.get("/cart/").json() == now.json()
    headers = {"If-Match": now.headers["ETag"]}
    assert getattr(client, method)(path, body, format="json", headers=headers).status_code < 300
    assert client.get("/cart/").json() != now.json()


def test_a_refused_change_makes_no_cart():
    client = client_of(UserFactory())

    response = client.delete("/api/cart/", headers={"If-Match": '"stale"'})

    assert response.status_code == 412
    assert not Cart.objects.exists()


def test_an_order_takes_the_cart_that_was_seen_away():
    client, line = filled_cart()
    etag = client.get("/cart/").headers["ETag"]
    assert client.post("/api/orders/", {}, format="json").status_code == 201

    path = f"/api/cart/items/{line.pk}/"
    response = client.patch(path, {"quantity": 2}, headers={"If-Match": etag})

    assert response.status_code == 412
