"""What browsers and load balancers are told."""

import json
import logging
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.mailbox import code_mailed_to, link_mailed_to, wrong
from accounts.tests.second_factor import code_of, switch_on
from shop_backend.kernel.logs import JsonFormatter
from shop_backend.kernel.models import OutboxMessage
from tests.client import ShopClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/admin/login/", "/swagger/", "/redoc/"])
def test_a_page_loads_from_the_shop_alone_and_stands_in_no_frame(path):
    response = Client().get(path)

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "scripts"),
    [
        ("/admin/login/", "'self' 'unsafe-eval'"),
        ("/admin/nowhere/", "'self' 'unsafe-eval'"),
        ("/swagger/", "'self'"),
        ("/redoc/", "'self'"),
    ],
)
def test_no_script_runs_that_stands_in_a_page(path, scripts):
    client = Client()
    client.force_login(StaffFactory(role="admin"))

    policy = client.get(path).headers["Content-Security-Policy"]

    assert f"script-src {scripts}" in policy.split("; ")


class Inline(HTMLParser):
    """Collects what a browser under that policy would not run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        is_data = given.get("type") == "application/json" or "src" in given
        if tag == "script" and not is_data:
            self.found.append(self.get_starttag_text())
        for name, value in attributes:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"{name}={value}")


def inline_in(response):
    parser = Inline()
    parser.feed(response.content.decode())
    return parser.found


@pytest.mark.parametrize("path", ["/admin/login/", "/swagger/", "/redoc/"])
def test_no_page_for_anybody_has_a_script_in_it(path):
    assert inline_in(Client().get(path)) == []


def test_no_page_of_the_admin_site_has_a_script_in_it():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    paths = ["/admin/", "/admin/password_change/", "/admin/two-factor/", "/admin/invariants/"]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]

    found = {path: inline_in(client.get(path)) for path in paths}

    assert len(found) > 50
    assert {path: scripts for path, scripts in found.items() if scripts} == {}


@pytest.mark.parametrize("path", ["/api/catalog/products/", "/swagger.json", "/nowhere"])
def test_an_answer_of_the_api_loads_nothing(path):
    policy = ShopClient().get(path).headers["Content-Security-Policy"]

    assert policy == "default-src 'none'; frame-ancestors 'none'"


def test_browsers_are_to_insist_on_https():
    secure = ShopClient().get("/health/live/", secure=True)

    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_ready_tells_how_long_news_waits():
    empty = ShopClient().get("/health/ready/").json()
    OutboxMessage.objects.create(kind="x", created_at=timezone.now() - timedelta(minutes=5))
    OutboxMessage.objects.create(
        kind="x", created_at=timezone.now() - timedelta(days=5), sent_at=timezone.now()
    )

    late = ShopClient().get("/health/ready/").json()
    assert (empty["status"], empty["queue"], empty["outbox_age_seconds"]) == ("ok", "ok", None)
    assert 300 <= late["outbox_age_seconds"] < 330
    assert (late["status"], late["queue"]) == ("ok", "ok")


@pytest.mark.parametrize(
    ("path", "status"), [("/health/ready", 200), ("/health/ready/?strict=1", 503)]
)
def test_a_late_queue_is_told_and_turns_no_customer_away_unless_a_monitor_asks(path, status):
    OutboxMessage.objects.create(kind="x", created_at=timezone.now() - timedelta(minutes=11))

    answer = ShopClient().get(path)

    assert answer.status_code == status
    assert (answer.json()["status"], answer.json()["queue"]) == ("degraded", "late")


@pytest.mark.parametrize(
    ("path", "status"), [("/health/ready", 200), ("/health/ready/?strict=1", 503)]
)
def test_a_cache_that_forgets_is_told(settings, path, status):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    answer = ShopClient().get(path)

    assert answer.status_code == status
    assert (answer.json()["status"], answer.json()["cache"]) == ("degraded", "down")


def test_a_cache_that_raises_is_told(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",  # nobody listens there
        }
    }

    assert ShopClient().get("/health/ready/").json()["cache"] == "down"


def test_a_shop_whose_migrations_are_pending_is_not_ready():
    MigrationRecorder.Migration.objects.filter(app="orders").order_by("-pk")[0].delete()

    response = ShopClient().get("/health/ready/")

    assert response.status_code == 503
    assert response.json()["migrations"] == "pending"


def test_a_line_of_the_log_may_be_an_object():
    record = logging.LogRecord("shop", logging.INFO, "x.py", 1, "two\nlines %s", ("é",), None)
    record.request_id = "desk-7"

    line = JsonFormatter().format(record)

    assert "\n" not in line
    assert json.loads(line)["message"] == "two\nlines é"
    assert json.loads(line)["request_id"] == "desk-7"


def test_no_secret_and_no_person_reaches_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("django", "django.request", "django.server"):
        logging.getLogger(name).addHandler(caplog.handler)
    client, email, password = ShopClient(), "canary@example.com", "canary-horse-battery"
    ann = UserFactory(username="canaryname", email=email)
    said = [email, "canaryname", password, PASSWORD]

    body = {"username": "canaryname", "password": PASSWORD}
    tokens = client.post("/accounts/login/", body).json()
    client.post("/accounts/login/", {**body, "password": password})
    client.post("/accounts/token/refresh/", {"refresh": tokens["refresh"]})
    client.get("/orders/", headers={"Authorization": f"Bearer {tokens['access']}x"})
    client.post("/accounts/forgot-password/", {"email": email})
    otp = code_mailed_to(email)
    reset = {"email": email, "new_password": password}
    client.post("/accounts/reset-password/", {**reset, "otp": wrong(otp)})
    client.post("/accounts/request-reset-email/", {"email": email})
    uid, token = link_mailed_to(email)
    client.post(f"/accounts/password-reset-confirm/{uid}/{token}x/", {"password": password})
    client.get(f"/accounts/password-reset-confirm/{uid}/{token}/")
    staff = StaffFactory(username="canarystaff")
    recovery = switch_on(staff)
    second = {"username": "canarystaff", "password": PASSWORD}
    client.post("/accounts/login/", {**second, "otp": wrong(code_of(staff))})
    client.post("/accounts/login/", {**second, "otp": recovery[0]})
    said += [tokens["access"], tokens["refresh"], otp, token, recovery[0], ann.password]

    handler = logging.getLogger().handlers
    assert handler
    for record in caplog.records:
        for masker in logging.getLogger("django").handlers[0].filters:
            masker.filter(record)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "Unauthorized" in text
    assert [word for word in said if word in text] == []
