"""What a web server hands over, however odd."""

import io
import json
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import Client

from shop_backend.kernel.requests import ShopHandler

pytestmark = [pytest.mark.django_db, pytest.mark.urls("shop_backend.kernel.tests.urls")]


@pytest.fixture(autouse=True)
def _connection_stays():
    """Keep the test's transaction, as Django's own test client does."""
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)


def call(method: str, path: str, query: str, content_type: str, body: bytes = b"", accept="*/*"):
    """Call the WSGI application as a server does; return status and JSON."""
    answer: dict[str, Any] = {}
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": accept,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    response = ShopHandler()(environ, lambda status, headers: answer.update(status=status))  # type: ignore[arg-type]  # the least that a server passes
    return int(answer["status"].split()[0]), json.loads(b"".join(response))


@pytest.mark.parametrize("charset", ["hex", "rot13", "base64", "zip", "idna", "utf-16", "nonsense"])
def test_a_charset_that_is_none_breaks_nothing(charset):
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        content_type = f"{kind}; charset={charset}"
        assert call("GET", "/echo/", "loud=%C3%BC", content_type) == (200, {"loud": "ü"})

    json_type, form_type = f"application/json; charset={charset}", f"{kind}; charset={charset}"
    assert call("POST", "/echo/", "a=b", json_type, b"{}")[0] == 415
    assert call("POST", "/echo/", "a=b", form_type, b"a=%C3%BC") == (201, {"a": ["ü"]})


UNREADABLE = ["x*=nosuch''y", "charset*=undefined''y", "x*=\x00''y", "x*=whole; x*0=in pieces"]


@pytest.mark.parametrize("parameter", UNREADABLE)
def test_a_type_that_cannot_be_read_is_bytes_of_no_known_kind(parameter):
    content_type = f"application/json; {parameter}"

    assert call("GET", "/echo/", "loud=%C3%BC", content_type) == (200, {"loud": "ü"})
    assert call("POST", "/echo/", "", content_type, b"{}")[0] == 415


@pytest.mark.urls("shop_backend.urls")
@pytest.mark.parametrize("path", ["/swagger.json", "/api/", "/api/catalog/categories/"])
@pytest.mark.parametrize("parameter", UNREADABLE)
def test_a_part_of_accept_that_cannot_be_read_accepts_nothing(path, parameter):
    unreadable = f"application/json; {parameter}"

    assert call("GET", path, "", "", accept=unreadable)[0] == 406
    assert call("GET", path, "", "", accept=f"{unreadable}, */*;q=0.1")[0] == 200
    assert call("GET", "/nowhere", "", "", accept=unreadable)[0] == 404


@pytest.mark.parametrize("parameter", ["name*=nosuch''a", "name*=whole; name*0=in pieces"])
def test_a_part_of_a_form_that_cannot_be_read_is_left_out(parameter):
    lines = (
        f"--b\r\nContent-Disposition: form-data; {each}\r\n\r\n1" for each in (parameter, "name=a")
    )
    body = "\r\n".join([*lines, "--b--\r\n"]).encode()

    assert call("POST", "/echo/", "", "multipart/form-data; boundary=b", body) == (
        201,
        {"a": ["1"]},
    )


@pytest.mark.parametrize("path", ["/echo/", "/api/echo/", "/admin/login/", "/nowhere/"])
@pytest.mark.parametrize(
    ("address", "is_answered"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("", True),  # a Unix socket
        ("192.168.1.7", False),
        ("::ffff:192.168.1.7", False),
        ("fe80::1%eth0", False),
        ("2001:db8::1", False),
        ("unknown", False),
    ],
)
def test_a_development_shop_answers_its_own_machine_alone(settings, path, address, is_answered):
    settings.DEBUG = True
    client = Client(raise_request_exception=False, REMOTE_ADDR=address)

    response = client.get(path, HTTP_HOST="localhost")

    assert (response.status_code != 403) == is_answered
    if not is_answered:
        assert b"DEBUG" in response.content
        assert len(response.content) < 300


def test_a_production_shop_answers_everybody():
    assert Client(REMOTE_ADDR="192.168.1.7").get("/echo/").status_code == 200
