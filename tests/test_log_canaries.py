"""No secret and nothing about a person is in any line of any log, whatever is done and breaks.

Each word that must not be there is unmistakable. What is read is what is written to the console
by the shop's own handlers and formatters, at the level of the settings, tracebacks included.
"""

import io
import logging
import logging.config

import pytest
from django.conf import settings as shop_settings
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.tests.factories import StaffFactory
from accounts.tests.mailbox import code_mailed_to, link_mailed_to, wrong
from accounts.tests.second_factor import code_of, switch_on
from catalog.models import Variant
from catalog.tests.factories import VariantFactory
from orders.models import Order
from orders.tests.trade import set_status
from shop_backend.kernel.models import OutboxMessage
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db]

EMAIL, NEW_EMAIL = "zzcanary@example.com", "zzcanarynew@example.com"
PASSWORD, NEW_PASSWORD = "zzcanary lantern ladder", "zzcanary otters asleep"
ADDRESS = {
    "full_name": "Zzcanaryfull Person",
    "line1": "1 Zzcanarystreet",
    "city": "Zzcanarycity",
    "postal_code": "M1 1AE",
    "country": "GB",
    "phone": "+44 161 0009999",
}
CARD = "4000 0000 0000 0002"


@pytest.fixture(params=["line", "json"])
def console(request):
    """What the shop writes to its console, in either format."""
    written = io.StringIO()
    logging.config.dictConfig(shop_settings.LOGGING)
    formatters = shop_settings.LOGGING["formatters"]
    handlers = {id(handler): handler for name in ("", "django") for handler in _of(name)}.values()
    for handler in handlers:
        handler.setStream(written)
        handler.setFormatter(_formatter(formatters[request.param]))
    yield written
    logging.config.dictConfig(shop_settings.LOGGING)


def _of(name):
    return [h for h in logging.getLogger(name).handlers if type(h) is logging.StreamHandler]


def _formatter(described):
    wanted = dict(described)
    return logging.config.BaseConfigurator({}).resolve(wanted.pop("()"))(**wanted)


def live_an_accounts_life(said):
    """Everything that somebody with an account does, right and wrong."""
    client = ShopClient(HTTP_USER_AGENT="Zzcanarybrowser/1.0", raise_request_exception=False)
    body = {"username": "zzcanaryname", "email": EMAIL, "password": PASSWORD}
    client.post("/api/accounts/register/", {**body, "first_name": "Zzcanaryfirst"})
    client.post("/api/accounts/register/", {**body, "email": "zzcanary@nowhere"})
    code = code_mailed_to(EMAIL)
    client.post("/accounts/verify-otp/", {"email": EMAIL, "otp": wrong(code)})
    client.post("/accounts/verify-otp/", {"email": EMAIL, "otp": code})
    for password in ("zzcanary wrong", PASSWORD):
        login = client.post("/accounts/login/", {"username": "zzcanaryname", "password": password})
    tokens = login.json()
    client.get(f"/orders/?page={tokens['access']}")
    client.get("/orders/", headers={"Authorization": f"Bearer {tokens['access']}x"})
    client.post("/accounts/token/refresh/", {"refresh": tokens["refresh"] + "x"})
    client.post("/accounts/request-reset-email/", {"email": EMAIL})
    uid, token = link_mailed_to(EMAIL)
    client.get(f"/accounts/password-reset-confirm/{uid}/{token}/")
    client.post(f"/reset_password/{uid}.{token}x", {"password": "zzcanary"})
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    client.patch("/accounts/user/", {"email": NEW_EMAIL, "last_name": "Zzcanarylast"})
    new_code = code_mailed_to(NEW_EMAIL)
    client.post("/accounts/verify-otp/", {"email": NEW_EMAIL, "otp": new_code})
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    client.post("/accounts/change-password/", {**body, "old_password": "zzcanary wrong"})
    client.post("/accounts/change-password/", body)
    recovery = switch_on(User.objects.get(username="zzcanaryname"))
    said += [code, new_code, token, tokens["access"], tokens["refresh"], *recovery]
    return client


def buy(said):
    """A whole purchase, with declines, and staff at work on it."""
    user = User.objects.get(username="zzcanaryname")
    client, variant = ShopClient(raise_request_exception=False), VariantFactory(stock=9)
    client.sign_in(user)
    client.post("/shipping/addresses/", ADDRESS)
    client.post("/cart/", {"variant_id": variant.pk, "quantity": 1})
    client.put("/cart/shipping/", {"address": {**ADDRESS, "country": "Zzcanaryland"}})
    body = {"shipping_address": ADDRESS, "note": "Zzcanarynote"}
    client.post("/orders/", {**body, "expected_total": "0.01"}, HTTP_IDEMPOTENCY_KEY="zzcanarykey")
    placed = client.post("/orders/", body, HTTP_IDEMPOTENCY_KEY="zzcanarykey2")
    order = Order.objects.get(number=placed.json()["number"])
    for card in (CARD, "pm_card_visa"):
        payment = client.post("/payments/", {"order_id": order.number, "payment_method": card})
    for status in ("processing", "shipped", "delivered"):
        assert set_status(order, status).status_code == 200
    browser = Client(raise_request_exception=False)
    browser.post("/admin/login/", {"username": "zzcanaryname", "password": NEW_PASSWORD})
    browser.force_login(StaffFactory(role="admin"))
    browser.get("/admin/accounts/user/?q=zzcanaryname")
    browser.post(f"/admin/accounts/user/{user.pk}/change/", {"username": "zzcanary name"})
    said += [payment.json()["client_secret"], code_of(user)]
    return client


def break_things(client):
    """Let a request and a delivery fail whose variables hold everything."""

    def burst(execute, sql, *said):
        if "cart_cartline" not in sql:
            return execute(sql, *said)
        raise RuntimeError(
            f"for {EMAIL}, with Bearer eyJhbGciOi.eyJzdWIiOi.zzcanary:"
            " duplicate key value violates unique constraint username_once\n"
            "DETAIL:  Key (username_key)=(zzcanaryname) already exists.\n"
            "DETAIL:  Failing row contains (7, zzcanary, 1 Zzcanarystreet, (0009999)).\n"
            "(1062, \"Duplicate entry 'zzcanaryname' for key 'username_once'\")"
        )

    with connection.execute_wrapper(burst):
        broken = client.post("/cart/", {"variant_id": Variant.objects.get().pk, "quantity": 1})
    OutboxMessage.objects.create(kind="accounts.send_mail", payload={"purpose": "zzcanary"})
    return broken.status_code


def test_no_line_holds_a_secret_or_a_person(console, settings):
    settings.RATE_LIMITS = True
    said = [PASSWORD, NEW_PASSWORD, "zzcanary", "0009999", CARD, CARD.replace(" ", ""), "127.0.0.1"]
    live_an_accounts_life(said)
    client = buy(said)
    status = break_things(client)

    text = console.getvalue()
    assert status == 500
    assert "RuntimeError" in text
    assert "Unauthorized" in text
    lowered = text.lower()
    assert [word for word in said if word.lower() in lowered] == []
