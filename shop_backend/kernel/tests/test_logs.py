"""What stands in the log: whose request it was, and no secret."""

import io
import logging

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

SECRETS = ["MQ", "d0-5ecret"]


@pytest.fixture
def console():
    """What the console's handler writes."""
    handlers = {
        handler
        for name in ("django", "django.server", "gunicorn.access")
        for handler in logging.getLogger(name).handlers
        if isinstance(handler, logging.StreamHandler) and handler.name == "console"
    }
    (handler,) = handlers
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/accounts/password-reset-confirm/MQ/d0-5ecret/", "/accounts/password-reset-confirm/"),
        ("/accounts/password-reset-confirm/MQ/d0-5ecret", "/accounts/password-reset-confirm/"),
        ("/accounts/password-reset-confirm/ MQ/d0-5ecret", "/accounts/password-reset-confirm/"),
        ("/accounts/password-reset-confirm/MQ/x/d0-5ecret", "/accounts/password-reset-confirm/"),
        ("/reset_password/MQ.d0-5ecret/", "/reset_password/"),
        ("/reset_password/MQ.d0-5ecret", "/reset_password/"),
        ('/reset_password/ "MQ.d0-5ecret', "/reset_password/"),
    ],
)
def test_a_refused_link_is_logged_without_its_token(console, prefix, path, masked):
    response = Client().post(f"{prefix}{path}", {}, "application/json")

    assert response.status_code in {400, 404}
    (line,) = console.getvalue().splitlines()
    assert line.endswith(f": {prefix}{masked}[masked]")
    assert not any(secret in line for secret in SECRETS)


@pytest.mark.parametrize("path", ["/api/accounts/password-reset-confirm/", "/reset_password/"])
@pytest.mark.parametrize("name", ["django.server", "gunicorn.access"])
def test_the_servers_own_lines_hold_no_token_either(console, name, path):
    line = f"POST {path}MQ.d0-5ecret HTTP/1.1"
    if name == "django.server":
        logging.getLogger(name).warning('"%s" %s %s', line, "400", "12")
    else:
        atoms = {"r": line, "s": "400", "f": f"https://shop.example{path}MQ.d0-5ecret", "a": "x"}
        logging.getLogger(name).info('"%(r)s" %(s)s "%(f)s" "%(a)s"', atoms)

    written = console.getvalue()
    assert f'"POST {path}[masked] HTTP/1.1" 400' in written
    assert not any(secret in written for secret in SECRETS)


@pytest.mark.parametrize("name", ["django.server", "gunicorn.access"])
@pytest.mark.parametrize("query", ["?search=ada%40x.example", "?search=Ada Lovelace", '??a="x'])
def test_the_servers_own_lines_hold_no_search(console, name, query):
    line = f"GET /api/orders/{query} HTTP/1.1"
    if name == "django.server":
        logging.getLogger(name).info('"%s" %s %s', line, "200", "12")
    else:
        atoms = {"r": line, "s": "200", "f": f"https://shop.example/{query}", "a": "x/1.0"}
        logging.getLogger(name).info('"%(r)s" %(s)s "%(f)s" "%(a)s"', atoms)

    end = "12" if name == "django.server" else '"https://shop.example/?[masked]" "x/1.0"'
    assert console.getvalue().endswith(f'"GET /api/orders/?[masked] HTTP/1.1" 200 {end}\n')


def test_what_holds_no_secret_is_logged_as_it_is(console):
    server = logging.getLogger("django.server")

    server.info('"%s" %s %s', "POST /auth/users/reset_password/ HTTP/1.1", "204", "0")

    assert console.getvalue().endswith('"POST /auth/users/reset_password/ HTTP/1.1" 204 0\n')


def test_a_refusal_is_logged_under_its_request_id(console):
    client = Client()

    client.get("/api/nowhere/", headers={"X-Request-ID": "first-1"})
    client.get("/api/nowhere/", headers={"X-Request-ID": "second-2"})

    first, second = console.getvalue().splitlines()
    assert "[first-1] Not Found: /api/nowhere/" in first
    assert "[second-2] Not Found: /api/nowhere/" in second
