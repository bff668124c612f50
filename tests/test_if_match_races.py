"""Two who change the same thing after the same look at it: the later one is told."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from cart.models import CartLine
from catalog.models import Variant
from catalog.tests.factories import CategoryFactory, VariantFactory
from orders.tests.trade import buyer, place_and_pay
from shipping.models import Shipment
from shipping.tests.factories import AddressFactory

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
_TYPED = {"full_name": "Ada", "line1": "1 Lane", "postal_code": "LS1 1AA", "country": "GB"}
Subject = tuple[User, str, list[Mapping[str, Any]]]


def _lamp(**fields: Any) -> Variant:
    return VariantFactory(**fields)  # type: ignore[return-value]  # factory_boy is untyped


def _staff() -> User:
    return StaffFactory(role="admin")  # type: ignore[return-value]  # factory_boy is untyped


def _product() -> Subject:
    product = _lamp(stock=3).product
    return _staff(), f"catalog/products/{product.pk}/", [{"name": "Ada"}, {"name": "Bea"}]


def _variant() -> Subject:
    variant = _lamp(stock=3)
    path = f"catalog/products/{variant.product_id}/variants/{variant.pk}/"
    return _staff(), path, [{"price": "3.00"}, {"price": "4.00"}]


def _category() -> Subject:
    return _staff(), f"catalog/categories/{CategoryFactory().pk}/", [{"name": "A"}, {"name": "B"}]


def _order() -> Subject:
    order = place_and_pay(buyer(), (_lamp(stock=3), 1))
    return _staff(), f"orders/{order.number}/", [{"status": "processing"}, {"status": "cancelled"}]


def _address() -> Subject:
    user: User = UserFactory()  # type: ignore[assignment]  # factory_boy is untyped
    path = f"shipping/addresses/{AddressFactory(user=user, default_for=user.pk).pk}/"
    return user, path, [{"city": "York"}, {"city": "Leeds"}]


def _shipment() -> Subject:
    order = place_and_pay(buyer(), (_lamp(stock=3), 1))
    staff = _staff()
    client = client_of(staff)
    client.post("/shipping/shipments/", {"order": order.number}, format="json")
    path = f"shipping/shipments/{Shipment.objects.get(reference=order.number).pk}/"
    return staff, path, [{"carrier": "Post"}, {"carrier": "Van"}]


def _profile() -> Subject:
    user: User = UserFactory()  # type: ignore[assignment]  # factory_boy is untyped
    return user, "accounts/user/", [{"first_name": "Ada"}, {"first_name": "Bea"}]


def _cart() -> Subject:
    user: User = UserFactory()  # type: ignore[assignment]  # factory_boy is untyped
    client_of(user).post("/api/cart/", {"variant_id": _lamp(stock=9).pk, "quantity": 1})
    path = f"cart/items/{CartLine.objects.get(cart__user=user).pk}/"
    return user, path, [{"quantity": 2}, {"quantity": 3}]


SHOWN_AT = {_cart: "cart/"}


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.get(pk=user.pk))  # as each request reads it anew
    return client


def at_once(jobs: list[Callable[[], int]]) -> Counter[int]:
    barrier, statuses = threading.Barrier(len(jobs)), []

    def run(job: Callable[[], int]) -> None:
        try:
            barrier.wait()
            statuses.append(job())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


def _change(ask: Callable[..., Any], path: str, body: Mapping[str, Any], etag: str) -> int:
    answer = ask(f"/api/{path}", body, format="json", headers={"If-Match": etag})
    return answer.status_code


@pytest.mark.parametrize(
    "make", [_product, _variant, _category, _order, _address, _shipment, _profile, _cart]
)
def test_of_two_changes_with_one_etag_one_is_refused(make):
    for _ in range(5):
        user, path, bodies = make()
        etag = client_of(user).get(f"/api/{SHOWN_AT.get(make, path)}").headers["ETag"]
        jobs = [partial(_change, client_of(user).patch, path, body, etag) for body in bodies]

        assert at_once(jobs) == {200: 1, 412: 1}


def test_of_two_first_things_done_to_a_cart_one_is_refused():
    for _ in range(5):
        user = UserFactory()
        etag = client_of(user).get("/api/cart/").headers["ETag"]
        jobs = [
            partial(_change, client_of(user).put, "cart/shipping/", {"address": address}, etag)
            for address in ({**_TYPED, "city": "York"}, {**_TYPED, "city": "Leeds"})
        ]

        assert at_once(jobs) == {200: 1, 412: 1}
