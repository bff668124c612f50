"""Every POST either takes effect once for each Idempotency-Key, or says here why it need not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import Model

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from cart.models import Coupon, TaxRate
from catalog.models import Attribute, Category, Product, Review, TaxClass, Variant
from catalog.tests.factories import ProductFactory, VariantFactory
from inventory.models import Location, StockLevel, StockMovement
from inventory.tests.factories import LocationFactory
from orders.models import Order, OrderEvent, OrderNote, Return
from orders.tests.trade import buyer, client_of, pay, place, place_and_deliver, place_and_pay
from payments.models import Payment, Refund
from shipping.models import Address, Shipment, ShippingMethod, Zone
from shop_backend.kernel.idempotency import REPLAYED_HEADER
from shop_backend.kernel.models import IdempotencyKey
from tests.client import ShopClient
from tests.faces import payload_of
from tests.routes import api_routes

pytestmark = pytest.mark.django_db


@dataclass
class Request:
    """A POST that is to be accepted, the same with another body, and what it changes."""

    actor: User
    path: str
    body: dict[str, Any]
    other: dict[str, Any]
    effects: Callable[[], Any]
    # A body that is refused; without one, only another state of things would refuse it.
    refused: dict[str, Any] | None = None


def _count(*models: type[Model]) -> Callable[[], list[int]]:
    return lambda: [model._default_manager.count() for model in models]


def _lamp(**fields: Any) -> Variant:
    return VariantFactory(**fields)  # type: ignore[return-value]  # factory_boy is untyped


def _staff() -> User:
    return StaffFactory(role="admin")  # type: ignore[return-value]  # factory_boy is untyped


def _create(path: str, model: type[Model], **body: Any) -> Callable[[], Request]:
    """Return the maker of a request that adds a row: its name, or code, is what may differ."""
    name = "name" if "name" in body else "code"

    def make() -> Request:
        other, refused = {**body, name: "OTHER"}, {**body, name: ""}
        return Request(_staff(), path, body, other, _count(model), refused)

    return make


def _place() -> Request:
    body = {"items": [{"variant_id": _lamp(stock=9).pk, "quantity": 1}]}
    effects = _count(Order, StockMovement)
    return Request(buyer(), "orders/", body, {**body, "note": "!"}, effects, {"items": []})


def _cancel() -> Request:
    order = place_and_pay(buyer(), (_lamp(stock=9), 1))
    path = f"orders/{order.number}/cancel/"
    return Request(order.customer, path, {}, {"a": 1}, _count(Refund, StockMovement, OrderEvent))


def _ask_back() -> Request:
    order = place_and_deliver(buyer(), (_lamp(stock=9), 2))
    body: dict[str, Any] = {"lines": [{"line_id": order.lines.get().pk, "quantity": 1}]}
    path = f"orders/{order.number}/returns/"
    other = {**body, "reason": "late"}
    return Request(order.customer, path, body, other, _count(Return), {"lines": []})


def _note() -> Request:
    order = place(buyer(), (_lamp(stock=9), 1))
    path = f"orders/{order.number}/notes/"
    effects = _count(OrderNote)
    return Request(_staff(), path, {"text": "a"}, {"text": "b"}, effects, {"text": ""})


def _pay() -> Request:
    order = place(buyer(), (_lamp(stock=9), 1))
    body = {"order_id": order.number, "payment_method": "pm_card_visa"}
    refused = {**body, "order_id": "R0"}
    return Request(
        order.customer,
        "payments/",
        body,
        {**body, "payment_method": "pm_card_mastercard"},
        lambda: list(Payment.objects.values_list("captured_minor", flat=True)),
        refused,
    )


def _pay_offline() -> Request:
    order = place(buyer(), (_lamp(stock=9, price_minor=1000), 1))
    body = {"order_id": order.number, "amount": "1.00"}
    other, refused = {**body, "amount": "2.00"}, {**body, "amount": "-1"}
    return Request(_staff(), "payments/offline/", body, other, _count(Payment), refused)


def _refund() -> Request:
    place_and_pay(buyer(), (_lamp(stock=9, price_minor=1000), 1))
    path = f"payments/{Payment.objects.get().pk}/refunds/"
    body = {"amount": "1.00"}
    other, refused = {"amount": "2.00"}, {"amount": "99999.00"}
    return Request(_staff(), path, body, other, _count(Refund), refused)


def _authorised(ending: str) -> Callable[[], Request]:
    def make() -> Request:
        pay(place(buyer(), (_lamp(stock=9), 1)))
        path = f"payments/{Payment.objects.get().pk}/{ending}/"
        return Request(_staff(), path, {}, {"a": 1}, _count(OrderEvent))

    return make


def _product() -> Request:
    body = {"name": "Lamp", "price": "5.00", "stock": 3}
    effects = _count(Product, Variant, StockMovement)
    other, refused = {**body, "stock": 4}, {**body, "price": "-1"}
    return Request(_staff(), "catalog/products/", body, other, effects, refused)


def _variant() -> Request:
    path = f"catalog/products/{ProductFactory().slug}/variants/"
    body = {"price": "5.00", "stock": 3, "options": {"Size": "L"}}
    effects = _count(Variant, StockMovement)
    return Request(_staff(), path, body, {**body, "stock": 4}, effects, {**body, "price": "-1"})


def _address() -> Request:
    body = {"full_name": "Ada", "line1": "1", "city": "York", "postal_code": "YO1 7HH"}
    body["country"] = "GB"
    other, refused = {**body, "line1": "2"}, {**body, "country": "XX"}
    user: User = UserFactory()  # type: ignore[assignment]  # factory_boy is untyped
    return Request(user, "shipping/addresses/", body, other, _count(Address), refused)


def _review() -> Request:
    lamp = _lamp(stock=9)
    order = place_and_deliver(buyer(), (lamp, 1))
    body = {"rating": 5, "text": "Bright."}
    path = f"catalog/products/{lamp.product_id}/reviews/"
    other, refused = {**body, "rating": 1}, {**body, "rating": 6}
    return Request(order.customer, path, body, other, _count(Review), refused)


def _parcel() -> Request:
    order = place_and_pay(buyer(), (_lamp(stock=9), 1))
    body = {"order": order.number}
    other, refused = {**body, "carrier": "Post"}, {"order": "R0"}
    return Request(_staff(), "shipping/shipments/", body, other, _count(Shipment), refused)


def _adjust() -> Request:
    sku = _lamp(stock=9).sku
    body = {"sku": sku, "delta": -1, "reason": "broken"}
    other, refused = {**body, "delta": -2}, {**body, "delta": -99}
    return Request(_staff(), "inventory/adjustments/", body, other, _count(StockMovement), refused)


def _transfer() -> Request:
    level = StockLevel.objects.get(item__sku=_lamp(stock=9).sku)
    body = {"sku": level.item.sku, "source": level.location.code, "quantity": 1}
    body["target"] = LocationFactory().code
    other, refused = {**body, "quantity": 2}, {**body, "quantity": 99}
    return Request(_staff(), "inventory/transfers/", body, other, _count(StockMovement), refused)


def _tax_rate() -> Request:
    body = {"tax_class": TaxClass.objects.get().pk, "country": "DE", "rate": "19", "name": "USt"}
    other, refused = {**body, "name": "MwSt"}, {**body, "rate": "-1"}
    return Request(_staff(), "cart/tax-rates/", body, other, _count(TaxRate), refused)


_METHOD = {"name": "Post", "code": "post", "price": "4.00", "min_days": 1, "max_days": 3}
_COUPON = {"code": "TEN", "kind": "percent", "percent": "10"}
# The operation, all its addresses, the documented one first, and a request that it accepts.
KEYED: list[tuple[list[str], Callable[[], Request]]] = [
    (["orders/", "orders/new/"], _place),
    (["orders/<str:name>/cancel/"], _cancel),
    (["orders/<str:name>/returns/"], _ask_back),
    (["orders/<str:name>/notes/"], _note),
    (["payments/", "payment/"], _pay),
    (["payments/offline/"], _pay_offline),
    (["payments/<bigid:pk>/refunds/"], _refund),
    (["payments/<bigid:pk>/capture/"], _authorised("capture")),
    (["payments/<bigid:pk>/void/"], _authorised("void")),
    (["catalog/products/", "products/", "products/add/"], _product),
    (["catalog/products/<str:product>/variants/"], _variant),
    (["catalog/products/<str:product>/reviews/"], _review),
    (["catalog/categories/"], _create("catalog/categories/", Category, name="Lamps")),
    (["catalog/attributes/"], _create("catalog/attributes/", Attribute, name="Size", code="size")),
    (["catalog/tax-classes/"], _create("catalog/tax-classes/", TaxClass, name="Low", code="low")),
    (["cart/coupons/"], _create("cart/coupons/", Coupon, **_COUPON)),
    (["cart/tax-rates/"], _tax_rate),
    (["shipping/addresses/"], _address),
    (["shipping/zones/"], _create("shipping/zones/", Zone, name="Home", areas=[{"country": "GB"}])),
    (["shipping/methods/"], _create("shipping/methods/", ShippingMethod, **_METHOD)),
    (["shipping/shipments/"], _parcel),
    (["inventory/locations/"], _create("inventory/locations/", Location, code="b", name="B")),
    (["inventory/adjustments/"], _adjust),
    (["inventory/transfers/"], _transfer),
]
_NO_USER_YET = "nobody is signed in, and keys belong to users"
_ENDS_ITSELF = "its code, link or token is good for once"
_SAME_AGAIN = "asked again, it leaves everything as it is"
EXEMPT = {
    **dict.fromkeys(["register/", "accounts/register/"], _NO_USER_YET),
    **dict.fromkeys(["users/", "accounts/users/", "auth/users/"], _NO_USER_YET),
    **dict.fromkeys(["accounts/login/", "accounts/token/", "auth/jwt/create/"], _NO_USER_YET),
    **dict.fromkeys(["accounts/token/refresh/", "auth/jwt/refresh/"], _ENDS_ITSELF),
    **dict.fromkeys(["accounts/token/verify/", "auth/jwt/verify/"], "it changes nothing"),
    **dict.fromkeys(["accounts/verify-otp/", "auth/users/activation/"], _ENDS_ITSELF),
    **dict.fromkeys(
        [
            "accounts/resend-otp/",
            "accounts/request-reset-email/",
            "accounts/forgot-password/",
            "auth/users/resend_activation/",
            "auth/users/reset_password/",
            "forgot_password/",
        ],
        "it mails, at most once a minute",
    ),
    **dict.fromkeys(
        [
            "accounts/password-reset-confirm/<str:uidb64>/<str:token>/",
            "accounts/reset-password/",
            "auth/users/reset_password_confirm/",
            "reset_password/<str:token>/",
        ],
        _ENDS_ITSELF,
    ),
    **dict.fromkeys(["accounts/change-password/", "auth/users/set_password/"], _ENDS_ITSELF),
    "accounts/logout/": _SAME_AGAIN,
    # A secret is shown once: a repeat must not show it again, and a code works once.
    "accounts/two-factor/": _ENDS_ITSELF,
    "accounts/two-factor/confirm/": _ENDS_ITSELF,
    "accounts/two-factor/recovery-codes/": _ENDS_ITSELF,
    "accounts/two-factor/switch-off/": _ENDS_ITSELF,
    "cart/": "it sets a line's quantity; asked again, it is set already",
    "cart/coupon/": _SAME_AGAIN,
    "shipping/quotes/": "it changes nothing",
    "catalog/products/<str:product>/images/": "drawing a picture must not hold a transaction",
    **dict.fromkeys(
        [
            "catalog/products/<str:product>/reviews/<str:pk>/approve/",
            "catalog/products/<str:product>/reviews/<str:pk>/reject/",
        ],
        "it names the revision that was read, and decides about that one",
    ),
    "payments/webhooks/stripe/": "the provider's event id makes it once",
    "payments/webhooks/sandbox/": "the provider's event id makes it once",
}
CASES = [pytest.param(names, make, id=names[0]) for names, make in KEYED]


@pytest.fixture(autouse=True)
def _captured_by_hand(request, settings):
    if any(word in request.node.name for word in ("/capture/", "/void/")):
        settings.PAYMENT_CAPTURE_METHOD = "manual"


def send(request: Request, body: dict[str, Any], prefix: str = "/api", name: str = "") -> Any:
    path = f"{prefix}/{name or request.path}"
    headers = {"Idempotency-Key": "one"}
    return client_of(request.actor).post(path, body, format="json", headers=headers)


def test_every_post_has_keys_or_a_reason_to_have_none():
    posts = {
        route.template.removeprefix("api/") for route in api_routes() if route.method == "post"
    }
    keyed = {name for names, _ in KEYED for name in names}

    assert keyed & set(EXEMPT) == set()
    assert keyed | set(EXEMPT) == posts


@pytest.mark.parametrize(("names", "make"), CASES)
def test_the_same_key_again_has_no_second_effect_on_any_face_or_name(names, make):
    request = make()
    first = send(request, request.body)
    assert first.status_code in {200, 201}, first.json()
    effects = request.effects()

    for prefix in ("/api", ""):
        for name in [request.path, *names[1:]]:
            again = send(request, request.body, prefix, name)
            assert again.headers.get(REPLAYED_HEADER) == "true", (prefix, name, again.json())
            assert again.status_code == first.status_code
            assert payload_of(again, prefix) == payload_of(first)
    assert REPLAYED_HEADER not in first.headers
    assert request.effects() == effects


@pytest.mark.parametrize(("names", "make"), CASES)
def test_the_key_with_another_body_is_422(names, make):
    request = make()
    assert send(request, request.body).status_code in {200, 201}
    effects = request.effects()

    for name in [request.path, *names[1:]]:
        other = send(request, request.other, "", name)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert request.effects() == effects


@pytest.mark.parametrize(("names", "make"), CASES)
def test_a_strangers_key_is_neither_kept_nor_a_way_in(names, make):
    request = make()

    answer = ShopClient().post(
        f"/api/{request.path}", request.body, format="json", headers={"Idempotency-Key": "one"}
    )

    assert answer.status_code == 401
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize(("names", "make"), CASES)
def test_a_refusal_does_not_use_the_key_up(names, make):
    request = make()
    if request.refused is None:
        pytest.skip("it has no body that could be refused")
    effects = request.effects()
    refused = send(request, request.refused)
    assert 400 <= refused.status_code < 500
    assert request.effects() == effects

    accepted = send(request, request.body)

    assert accepted.status_code in {200, 201}, accepted.json()
    assert REPLAYED_HEADER not in accepted.headers
    assert request.effects() != effects
