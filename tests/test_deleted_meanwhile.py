"""Nothing is written for a person whose account has ended since their token was checked."""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts import services as accounts
from accounts.authentication import TokenAuthentication
from accounts.models import EmailChange, TwoFactor, User
from accounts.tests.factories import PASSWORD
from accounts.tests.test_concurrency import wait_for_a_blocked_statement
from cart import services as cart
from cart.models import Cart, CartLine
from cart.tests.factories import CouponFactory
from catalog import services as catalog
from catalog.models import Variant
from catalog.selectors import VariantReference
from catalog.tests.factories import VariantFactory
from orders import services as orders
from orders.models import Order
from orders.services import Delivery, Item, ReturnItem
from orders.tests.trade import buyer, client_of, place, place_and_deliver
from shipping import services as shipping
from shipping.models import Address
from shop_backend.kernel.errors import InvalidToken, ShopError
from shop_backend.kernel.models import IdempotencyKey
from tests import canary
from tests.canary import address
from tests.client import ShopClient
from tests.test_privacy import BOOKS

pytestmark = pytest.mark.django_db
Scene = dict[str, Any]
Writing = tuple[str, str, Callable[[Scene], Any]]
WORD = "Zzcanary"


def scene() -> Scene:
    """Return a customer of whom there is something of each kind, and nothing with a word in it."""
    user = buyer()
    sold, offered, paid_for = (_variant() for _ in range(3))
    delivered = place_and_deliver(user, (sold, 2), (paid_for, 1))
    waiting = place(user, (sold, 1))
    body = {"variant_id": offered.pk, "quantity": 1}
    assert client_of(user).post("/api/cart/", body, format="json").status_code == 200
    coupon: Any = CouponFactory()
    review = catalog.write_review(product=paid_for.product, author=user, rating=4, text="Bright.")
    return {
        "user": user,
        "sold": sold,
        "offered": offered,
        "delivered": delivered,
        "waiting": waiting,
        "coupon": coupon.code,
        "line": delivered.lines.get(variant=sold),
        "review": review,
        "address": Address.objects.get(user=user),
        "in_cart": CartLine.objects.get(cart__open_for=user.pk).pk,
    }


def _variant() -> Variant:
    return VariantFactory(stock=9)  # type: ignore[return-value]  # factory_boy is untyped


def _buying(found: Scene) -> Any:
    items = [{"variant_id": found["offered"].pk, "quantity": 1}]
    return {"items": items, "shipping_address": address("Away"), "note": WORD}


def _names(found: Scene) -> Any:
    return {"first_name": WORD, "last_name": WORD}


def _new_email(found: Scene) -> Any:
    return {"email": "zzcanary@example.com", "current_password": PASSWORD}


def _new_password(found: Scene) -> Any:
    new = "lantern ladder"
    return {"old_password": PASSWORD, "current_password": PASSWORD, "new_password": new}


def _review(found: Scene) -> Any:
    return {"rating": 5, "title": WORD, "text": WORD}


def _sending_back(found: Scene) -> Any:
    return {"lines": [{"line_id": found["line"].pk, "quantity": 1}], "reason": WORD}


REVIEWS = "/api/catalog/products/{line.variant.product_id}/reviews/"
WRITINGS: list[Writing] = [
    ("patch", "/api/accounts/user/", _names),
    ("put", "/api/accounts/user/", _names),
    ("patch", "/api/accounts/user/", _new_email),
    ("patch", "/api/accounts/users/{user.pk}/", _names),
    ("patch", "/api/auth/users/me/", _new_email),
    ("post", "/api/accounts/change-password/", _new_password),
    ("post", "/api/auth/users/set_password/", _new_password),
    ("post", "/api/accounts/two-factor/", lambda found: {"current_password": PASSWORD}),
    ("post", "/api/shipping/addresses/", lambda found: address("Home")),
    ("post", "/api/cart/", lambda found: {"variant_id": found["offered"].pk, "quantity": 2}),
    ("put", "/api/cart/shipping/", lambda found: {"address": address("Cart")}),
    ("post", "/api/cart/coupon/", lambda found: {"code": found["coupon"]}),
    ("post", "/api/orders/", _buying),
    ("post", "/api/orders/", lambda found: {"note": WORD, "shipping_address": address("Away")}),
    ("post", "/api/orders/{delivered.number}/returns/", _sending_back),
    ("post", REVIEWS, _review),
]
# What the key alone holds: it is the customer's own text, and so is the answer under it.
KEYED: list[Writing] = [
    *(writing for writing in WRITINGS if writing[1].startswith(("/api/orders/", REVIEWS))),
    ("post", "/api/shipping/addresses/", lambda found: address("Home")),
    ("post", "/api/orders/{waiting.number}/cancel/", lambda found: {}),
    ("post", "/api/payments/", lambda found: {"order_id": found["waiting"].number}),
]
_NAMES = [f"{method} {path} {index}" for index, (method, path, _) in enumerate(WRITINGS)]


@pytest.fixture
def ends_meanwhile(monkeypatch) -> Callable[[User], None]:
    """Return what lets somebody's account end right after their next request was let in."""
    real = TokenAuthentication.authenticate

    def arm(user: User) -> None:
        def authenticate(self: Any, request: Any) -> Any:
            found = real(self, request)
            monkeypatch.setattr(TokenAuthentication, "authenticate", real)
            accounts.delete_account_as_staff(user=User.objects.get(pk=user.pk))
            return found

        monkeypatch.setattr(TokenAuthentication, "authenticate", authenticate)

    return arm


def send(writing: Writing, found: Scene, client: ShopClient, **headers: str) -> Any:
    method, path, body = writing
    url = path.format(**found)
    return getattr(client, method)(url, body(found), format="json", headers=headers)


def in_thread(work: Callable[[], Any]) -> Any:
    """Return what the work returns, or how it is refused."""
    try:
        return work()
    except ShopError as refusal:
        return refusal
    finally:
        connections.close_all()


def assert_nothing_is_left_of(user: User, *, but: Collection[str] = ()) -> None:
    assert {".".join(place) for place in canary.places_of_words()} <= set(but)
    ended = User.objects.get(pk=user.pk)
    assert not ended.is_active
    assert not ended.has_usable_password()
    assert not IdempotencyKey.objects.filter(user=user).exists()
    assert not Address.objects.filter(user=user).exists()
    assert not Cart.objects.filter(user=user).filter(order=None).exists()
    assert not EmailChange.objects.exists()
    assert not TwoFactor.objects.exists()


@pytest.mark.portable
@pytest.mark.parametrize("writing", WRITINGS, ids=_NAMES)
def test_what_comes_after_an_accounts_end_is_answered_like_a_dead_token(writing, ends_meanwhile):
    assert_is_refused(writing, ends_meanwhile)


@pytest.mark.parametrize("writing", [writing for writing in WRITINGS if "orders" in writing[1]])
def test_so_it_is_where_unpaid_orders_are_counted(writing, ends_meanwhile, settings):
    settings.RATE_LIMITS = True

    assert_is_refused(writing, ends_meanwhile)


def assert_is_refused(writing: Writing, ends_meanwhile: Callable[[User], None]) -> None:
    found = scene()
    client = ShopClient()
    client.sign_in(found["user"])
    before = Order.objects.count()
    ends_meanwhile(found["user"])

    answer = send(writing, found, client)

    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    later = send(writing, found, client)
    assert (answer.json(), answer.headers["WWW-Authenticate"]) == (
        later.json(),
        later.headers["WWW-Authenticate"],
    )
    assert_nothing_is_left_of(found["user"])
    assert Order.objects.count() == before


@pytest.mark.portable
@pytest.mark.parametrize("writing", KEYED, ids=[path for _, path, _ in KEYED])
def test_nor_does_it_leave_a_key(writing, ends_meanwhile):
    found = scene()
    client = ShopClient()
    client.sign_in(found["user"])
    ends_meanwhile(found["user"])

    answer = send(writing, found, client, **{"Idempotency-Key": "zzcanary"})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert_nothing_is_left_of(found["user"])


# What use cases are called with that were read before the account ended.
STALE: dict[str, Callable[[Scene], Any]] = {
    "names": lambda found: accounts.update_profile(
        user=found["user"], session=None, first_name=WORD
    ),
    "email": lambda found: accounts.update_profile(
        user=found["user"],
        session=None,
        email="zzcanary@example.com",
        current_password=PASSWORD,
    ),
    "new address": lambda found: shipping.add_address(
        user=found["user"], fields=address("Home") | {"is_default": True}
    ),
    "address": lambda found: shipping.change_address(
        user=found["user"], address_id=found["address"].pk, fields=address("Home")
    ),
    "line": lambda found: cart.set_line(
        user=found["user"],
        reference=VariantReference(variant_id=found["offered"].pk),
        quantity=3,
    ),
    "quantity": lambda found: cart.change_quantity(
        user=found["user"], line_id=found["in_cart"], quantity=3
    ),
    "cart's address": lambda found: cart.choose_shipping(
        user=found["user"],
        address_id=None,
        shipping_address=address("Cart"),
        method_id=None,
    ),
    "coupon": lambda found: cart.apply_coupon(user=found["user"], code=found["coupon"]),
    "items": lambda found: orders.place_order(
        customer=found["user"],
        items=[Item(VariantReference(variant_id=found["offered"].pk), 1)],
        delivery=Delivery(shipping_address=address("Away")),
        note=WORD,
    ),
    "cart": lambda found: orders.place_order(
        customer=found["user"],
        delivery=Delivery(shipping_address=address("Away")),
        note=WORD,
    ),
    "return": lambda found: orders.ask_for_return(
        number=found["delivered"].number,
        items=[ReturnItem(found["line"].pk, 1)],
        reason=WORD,
        actor_id=found["user"].pk,
        now=found["delivered"].placed_at,
    ),
    "new review": lambda found: catalog.write_review(
        product=found["sold"].product, author=found["user"], rating=5, text=WORD
    ),
    "review": lambda found: catalog.edit_review(
        review=found["review"], fields={"text": WORD, "title": WORD}
    ),
    "second factor": lambda found: accounts.begin_two_factor(user=found["user"]),
    "password": lambda found: accounts.change_password(
        user=found["user"],
        old_password=PASSWORD,
        new_password="lantern ladder",
        field="old_password",
        session=None,
    ),
    "the end": lambda found: accounts.delete_own_account(
        user=found["user"], session=None, current_password=PASSWORD
    ),
}


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STALE)
def test_whoever_comes_during_an_accounts_end_waits_for_it_and_is_refused(name):
    found = scene()
    user = found["user"]

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            accounts.delete_account_as_staff(user=User.objects.get(pk=user.pk))
            writer = pool.submit(in_thread, partial(STALE[name], found))
            wait_for_a_blocked_statement(cursor)
        assert isinstance(writer.result(timeout=30), InvalidToken)

    assert_nothing_is_left_of(user)


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_requests_that_race_an_accounts_end_leave_nothing_behind():
    for _ in range(4):
        found = scene()
        start = threading.Barrier(9)
        writings = [None, *(WRITINGS[number] for number in (0, 8, 10, 12))] * 2
        works = [partial(race, found, writing, start) for writing in writings[:9]]
        with ThreadPoolExecutor(9) as pool:
            statuses = [each.result() for each in [pool.submit(in_thread, work) for work in works]]

        assert {status for status in statuses if status >= 500} == set()
        assert_nothing_is_left_of(found["user"], but=BOOKS)  # an order may have been the first


def race(found: Scene, writing: Writing | None, start: threading.Barrier) -> int:
    client = ShopClient()
    client.sign_in(found["user"])
    start.wait()
    if writing is None:
        return client.delete("/api/accounts/user/").status_code
    return send(writing, found, client).status_code
