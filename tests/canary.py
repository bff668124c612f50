"""Somebody with unmistakable names, who lives a whole customer's life.

Every text that a customer may send is sent once with a word in it that stands nowhere else.
``Canary`` notes which field of which operation carried it; a test holds that against the
published document, so that a new field is not forgotten.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import OtpRequestCount, User
from accounts.tests.factories import StaffFactory
from accounts.tests.mailbox import code_mailed_to
from accounts.tests.second_factor import code_of, switch_on
from cart.tests.factories import CouponFactory
from catalog.models import Review, Variant
from catalog.tests.factories import VariantFactory
from orders.models import Order
from orders.tests.trade import place, set_status
from payments.models import Payment
from tests.client import ShopClient
from tests.contract.document import Operation, path_of, published

PASSWORD = "zzcanary lantern ladder"
EMAIL = "zzcanary@example.com"
WORDS = ("zzcanary", "198.51.100.77", "0009999", "zz99 9zz")
DOCUMENT = published()
Field = tuple[str, str]


def has_word(text: Any) -> bool:
    """Return whether one of the words stands in this, whatever its case."""
    return any(word in str(text).lower() for word in WORDS)


class Canary(ShopClient):
    """A client that notes the fields in which a word got through, as operation and path."""

    carried: set[Field]

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.carried = set()

    def must(self, method: str, path: str, body: Any, **headers: Any) -> Any:
        """Send what has to succeed, and note the words in it; return its payload."""
        response = getattr(self, method)(path, body, **headers)
        assert response.status_code < 300, f"{path}: {response.content.decode()}"
        operation = DOCUMENT.operations[method, path_of(response.resolver_match.route)]
        self.carried |= {(operation.name, name) for name in _told(body, "")}
        answer = response.json() if response.content else {}
        return answer.get("data", answer)


def _told(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _told(child, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for child in value:
            yield from _told(child, path)
    elif has_word(value):
        yield path


def texts_of(operation: Operation) -> Iterator[str]:
    """Return the path of each free text that an operation's body may hold."""
    yield from _texts(operation.body_schema or {}, "")


def _texts(schema: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = DOCUMENT.text["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    for name, child in schema.get("properties", {}).items():
        yield from _texts(child, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from _texts(schema["items"], path)
    is_exact = "enum" in schema or schema.get("format") in {"decimal", "date", "date-time", "uuid"}
    if path and schema.get("type", "string") == "string" and not is_exact:
        yield path


def address(mark: str) -> dict[str, str]:
    """Return an address in which nothing stands that anybody else has."""
    return {
        "full_name": f"{mark} Zzcanaryfull",
        "line1": f"1 {mark} Zzcanarystreet",
        "line2": "Zzcanaryfloor",
        "city": "Zzcanarycity",
        "region": "Zzcanaryregion",
        "postal_code": "ZZ99 9ZZ",
        "country": "GB",
        "phone": "+44 161 0009999",
    }


def live() -> tuple[User, Canary]:
    """Register, sign in, buy, send back, review, and leave something everywhere."""
    client = Canary(HTTP_USER_AGENT="Zzcanarybrowser/1.0", REMOTE_ADDR="198.51.100.77")
    _register(client)
    user = User.objects.get(username="zzcanaryname")
    _sign_in(client, user)
    variants: list[Any] = [VariantFactory(stock=9) for _ in range(3)]
    _shop(client, user, variants)
    _review(client, variants)
    _leave_things_open(client, user, variants[0])
    return user, client


def _register(client: Canary) -> None:
    names = {"first_name": "Zzcanaryfirst", "last_name": "Zzcanarylast"}
    account = {"username": "zzcanaryname", "email": EMAIL, "password": PASSWORD, **names}
    client.must("post", "/api/accounts/register/", account)
    for path in ("accounts/resend-otp", "auth/users/resend_activation"):
        a_minute_passes()
        client.must("post", f"/api/{path}/", {"email": EMAIL})
    code = code_mailed_to(EMAIL)
    client.must("post", "/api/accounts/verify-otp/", {"email": EMAIL, "otp": code})
    for path in ("accounts/request-reset-email", "auth/users/reset_password"):
        client.must("post", f"/api/{path}/", {"email": EMAIL})
    client.must("post", "/api/accounts/forgot-password/", {"email": EMAIL})
    code = code_mailed_to(EMAIL)
    reset = {"email": EMAIL, "otp": code, "new_password": PASSWORD}
    client.must("post", "/api/accounts/reset-password/", reset)


def a_minute_passes() -> None:
    """Let codes be asked for again."""
    OtpRequestCount.objects.all().delete()


def _sign_in(client: Canary, user: User) -> None:
    client.post("/api/accounts/login/", {"username": "zzcanaryname", "password": "wrong"})
    for path in ("accounts/login", "accounts/token", "auth/jwt/create"):
        for name in ({"username": "zzcanaryname"}, {"email": EMAIL}):
            client.must("post", f"/api/{path}/", {**name, "password": PASSWORD})
    switch_on(user)
    body = {"username": "zzcanaryname", "password": PASSWORD, "otp": code_of(user)}
    access = client.must("post", "/api/accounts/login/", body)["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")


def _shop(client: Canary, user: User, variants: list[Variant]) -> None:
    coupon = CouponFactory()
    kept = client.must("post", "/api/shipping/addresses/", address("First"))
    for method in ("put", "patch"):
        client.must(method, f"/api/shipping/addresses/{kept['id']}/", address("Home"))
    region = {"country": "GB", "region": "Zzcanaryregion"}
    client.must(
        "post", "/api/shipping/quotes/", {"address": region, "subtotal": "5.00", "weight_grams": 1}
    )
    body = {
        "items": [{"variant_id": variant.pk, "quantity": 2} for variant in variants],
        "shipping_address": address("Away"),
        "note": "Zzcanarynote",
        "coupon": coupon.code,
    }
    placed = client.must("post", "/api/orders/", body, HTTP_IDEMPOTENCY_KEY="zzcanary-key")
    order = Order.objects.get(number=placed["number"])
    for card in ("pm_zzcanary", "pm_card_chargeDeclined", "pm_card_visa"):
        body = {"order_id": order.number, "payment_method": card}
        client.post("/api/payments/", body, HTTP_IDEMPOTENCY_KEY=f"zzcanary-{card}")
    for status in ("processing", "shipped", "delivered"):
        assert set_status(order, status).status_code == 200
    wanted = [{"line_id": order.lines.order_by("pk")[0].pk, "quantity": 1}]
    back = {"lines": wanted, "reason": "Zzcanaryreason"}
    client.must("post", f"/api/orders/{order.number}/returns/", back)


def _review(client: Canary, variants: list[Variant]) -> None:
    """Write three reviews: one is shown, one refused, one waits."""
    said = {"rating": 5, "title": "Zzcanarytitle", "text": "Zzcanarytext, call me 0009999"}
    moderator: Any = StaffFactory(role="admin")
    staff = ShopClient()
    staff.sign_in(moderator)
    for variant, verdict in zip(variants, ("approve", "reject", None), strict=True):
        path = f"/api/catalog/products/{variant.product_id}/reviews/"
        mine = client.must("post", path, said)
        for method in ("put", "patch"):
            mine = client.must(method, f"{path}{mine['id']}/", said)
        if verdict:
            words = {"revision": mine["revision"], "reason": "Zzcanary, do not name yourself."}
            answer = staff.post(f"{path}{mine['id']}/{verdict}/", words)
            assert answer.status_code == 200, answer.content
    assert set(Review.objects.values_list("status", flat=True)) == set(Review.Status.values)


def _leave_things_open(client: Canary, user: User, variant: Variant) -> None:
    client.must("post", "/api/cart/", {"variant_id": variant.pk, "quantity": 1})
    client.must("put", "/api/cart/shipping/", {"address": address("Cart")})
    names = {"first_name": "Zzcanaryfirst", "last_name": "Zzcanarylast"}
    me, mine, djosers = "accounts/user/", f"accounts/users/{user.pk}/", "auth/users/me/"
    for turn, path in enumerate((djosers, mine, me)):
        for method in ("put", "patch"):
            body = {"email": f"zzcanary{turn}{method}@example.com"}
            body |= {} if path is djosers else names
            client.must(method, f"/api/{path}", body)
    client.patch("/api/accounts/user/", {"email": "zzcanarynew@example.com"})
    a_minute_passes()
    client.must("post", "/api/accounts/forgot-password/", {"email": EMAIL})


def staff_look_after(user: User) -> None:
    """Let staff do to the account, and write about it, what they can, with keys of their own."""
    admin: Any = StaffFactory(role="admin")
    browser = Client()
    browser.force_login(admin)
    form = {"username": user.username, "is_active": "on", "first_name": "Zzcanarynewname"}
    browser.post(f"/admin/accounts/user/{user.pk}/change/", form)
    api = Canary()
    api.sign_in(admin)
    api.must("patch", f"/api/accounts/users/{user.pk}/", {"last_name": "Zzcanarystaffname"})
    order = Order.objects.get(customer=user)
    for number, is_internal in enumerate((True, False)):
        note = {"text": "Zzcanarycall", "is_internal": is_internal}
        key = {"HTTP_IDEMPOTENCY_KEY": f"note-{number}"}
        api.must("post", f"/api/orders/{order.number}/notes/", note, **key)
    wanted = [{"line_id": order.lines.order_by("pk")[1].pk, "quantity": 1}]
    came = {"lines": wanted, "reason": "Zzcanary rang."}
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}
    api.must("post", f"/api/orders/{order.number}/returns/", came, **key)
    payment = Payment.objects.get(customer=user, captured_minor__gt=0)
    back = {"amount": "0.50", "reason": "Zzcanary was promised it."}
    api.must("post", f"/api/payments/{payment.pk}/refunds/", back, **key)
    variant: Any = VariantFactory(stock=2)
    with_cash = place(user, (variant, 1), shipping_address=address("Away"))
    paid = {"order_id": with_cash.number, "note": "Zzcanary's cheque"}
    api.must("post", "/api/payments/offline/", paid, **key)
    changed_mind = place(user, (variant, 1), shipping_address=address("Away"), note="Zzcanarynote")
    support: Any = StaffFactory(role="support")
    api.sign_in(support)
    api.must("post", f"/api/orders/{changed_mind.number}/cancel/", {}, **key)
    api.must("post", f"/api/orders/{changed_mind.number}/notes/", note, **key)


def places_of_words() -> set[tuple[str, str]]:
    """Return every table and column in which one of the words stands."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                told = zip(names, row, strict=True)
                found |= {(table, name) for name, value in told if has_word(value)}
    return found
