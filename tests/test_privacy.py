"""After an account's end nothing personal is left but in the books.

Somebody with unmistakable names lives a whole customer's life; then every column of every table
is read.
"""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.tests.factories import StaffFactory
from accounts.tests.mailbox import code_mailed_to
from accounts.tests.second_factor import code_of, switch_on
from catalog.tests.factories import VariantFactory
from orders.models import Order
from orders.tests.trade import set_status
from shop_backend.kernel.models import SpentBudget
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

PASSWORD = "zzcanary lantern ladder"
# What the law wants kept with an invoice: to whom it was sent.
BOOKS = {
    "orders_order": {
        "email", "full_name", "line1", "line2", "city", "region", "phone", "postal_code",
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.RATE_LIMITS = True


def address(mark):
    return {
        "full_name": f"{mark} Zzcanaryfull",
        "line1": f"1 {mark} Zzcanarystreet",
        "line2": "Zzcanaryfloor",
        "city": "Zzcanarycity",
        "postal_code": "M1 1AE",
        "country": "GB",
        "phone": "+44 161 0009999",
    }


def signed_in(**credentials):
    client = ShopClient(HTTP_USER_AGENT="Zzcanarybrowser/1.0", REMOTE_ADDR="198.51.100.77")
    access = client.post("/api/accounts/login/", credentials).json()["data"]["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def live_a_customers_life():
    """Register, buy twice, send something back, review, and leave something in the cart."""
    variant = VariantFactory(stock=9)
    stranger, email = ShopClient(), "zzcanary@example.com"
    stranger.post(
        "/api/accounts/register/",
        {
            "username": "zzcanaryname",
            "email": email,
            "password": PASSWORD,
            "first_name": "Zzcanaryfirst",
            "last_name": "Zzcanarylast",
        },
    )
    stranger.post("/api/accounts/verify-otp/", {"email": email, "otp": code_mailed_to(email)})
    stranger.post("/api/accounts/login/", {"username": "zzcanaryname", "password": "wrong"})
    user = User.objects.get(username="zzcanaryname")
    switch_on(user)
    client = signed_in(username="zzcanaryname", password=PASSWORD, otp=code_of(user))
    client.post("/api/shipping/addresses/", address("Home"))
    items = [{"variant_id": variant.pk, "quantity": 2}]
    body = {"items": items, "shipping_address": address("Away"), "note": "Zzcanarynote"}
    placed = client.post("/api/orders/", body, HTTP_IDEMPOTENCY_KEY="zzcanary-key")
    order = Order.objects.get(number=placed.json()["data"]["number"])
    for card in ("pm_card_chargeDeclined", "pm_card_visa"):
        body = {"order_id": order.number, "payment_method": card}
        client.post("/api/payments/", body, HTTP_IDEMPOTENCY_KEY=f"zzcanary-{card}")
    for status in ("processing", "shipped", "delivered"):
        assert set_status(order, status).status_code == 200
    line = order.lines.get()
    client.post(
        f"/api/orders/{order.number}/returns/",
        {"lines": [{"line_id": line.pk, "quantity": 1}], "reason": "Zzcanaryreason"},
    )
    review = {"rating": 5, "title": "Zzcanarytitle", "text": "Zzcanarytext"}
    path = f"/api/catalog/products/{variant.product_id}/reviews/"
    assert client.post(path, review).status_code == 201
    client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 1})
    client.put("/api/cart/shipping/", {"address": address("Cart")})
    client.patch("/api/accounts/user/", {"email": "zzcanarynew@example.com"})
    stranger.post("/api/accounts/forgot-password/", {"email": email})
    return user, client


def staff_look_after(user):
    """Let staff do to the account what they do."""
    admin = StaffFactory(role="admin")
    browser = Client()
    browser.force_login(admin)
    form = {"username": user.username, "is_active": "on", "first_name": "Zzcanarynewname"}
    browser.post(f"/admin/accounts/user/{user.pk}/change/", form)
    api = ShopClient()
    api.sign_in(admin)
    api.patch(f"/api/accounts/users/{user.pk}/", {"last_name": "Zzcanarystaffname"})
    order = Order.objects.get(customer=user)
    api.post(f"/api/orders/{order.number}/notes/", {"text": "Zzcanarycall", "is_internal": True})


def places_of(*words):
    """Return every table and column in which one of the words stands, whatever its case."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    text = str(value).lower()
                    if any(word in text for word in words):
                        found.add((table, name))
    return found


def test_after_an_accounts_end_nothing_personal_is_left_but_in_the_books():
    user, client = live_a_customers_life()
    staff_look_after(user)
    pk, words = user.pk, ("zzcanary", "198.51.100.77", "0009999")
    before = places_of(*words)
    assert {"accounts_user", "accounts_session", "shipping_address", "cart_cart"} <= {
        table for table, _ in before
    }
    assert LogEntry.objects.filter(object_repr="zzcanaryname").exists()

    answer = client.delete("/api/accounts/user/", {"current_password": PASSWORD})
    SpentBudget.objects.update(spent_until=0)  # as if the minutes of every limit had passed
    call_command("sweep")

    assert answer.status_code == 200
    books = {(table, column) for table, columns in BOOKS.items() for column in columns}
    assert places_of(*words) - books == set()
    assert Order.objects.get().customer_id == pk
    assert Order.objects.get().full_name == "Away Zzcanaryfull"


def test_the_export_before_it_holds_what_was_said_and_typed():
    user, client = live_a_customers_life()

    text = str(client.get("/api/accounts/user/export/").json()["data"]).lower()

    for word in (
        "zzcanaryname", "zzcanary@example.com", "zzcanarynew@example.com", "zzcanaryfirst",
        "zzcanarylast", "zzcanarybrowser", "198.51.100.77", "home zzcanarystreet",
        "away zzcanarystreet", "zzcanarynote", "zzcanaryreason", "zzcanarytitle", "zzcanarytext",
        "cart zzcanarystreet",
    ):  # fmt: skip
        assert word in text, word
    assert code_of(user) not in text
