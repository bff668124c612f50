"""A body that is too large is refused before anything of it is read."""

from typing import Any

import pytest
from django.conf import settings as shop_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.tests.factories import StaffFactory
from catalog import pictures
from catalog.tests.factories import ProductFactory
from shop_backend.kernel.requests import ShopHandler

pytestmark = pytest.mark.django_db

LARGE = 30_000_000
FORM = "multipart/form-data; boundary=b"
KINDS = [FORM, "application/x-www-form-urlencoded", "application/json", "text/plain"]
DOORS = [
    ("POST", "/api/accounts/login/"),
    ("POST", "/accounts/register/"),
    ("PUT", "/api/accounts/user/"),
    ("POST", "/api/auth/jwt/create/"),
    ("POST", "/api/shipping/quotes/"),
    ("POST", "/api/orders/"),
    ("DELETE", "/api/cart/"),
    ("POST", "/api/payments/webhooks/stripe/"),
    ("POST", "/api/catalog/products/1/images/"),
    ("POST", "/admin/login/"),
    ("POST", "/admin/catalog/product/add/"),
    ("POST", "/admin/catalog/productimage/add/"),
    ("POST", "/swagger/"),
]


class Body:
    """An endless body that knows how much of it was read."""

    def __init__(self) -> None:
        self.read_bytes = 0
        self._head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'

    def read(self, size: int = -1) -> bytes:
        size = LARGE if size < 0 else size
        self.read_bytes += size
        begin, self._head = self._head[:size], self._head[size:]
        return begin + b"x" * (size - len(begin))

    readline = read


def answer(method: str, path: str, kind: str, length: str | None, **further: str):
    """Ask the shop as a server does; return the status and how much of the body was read."""
    body, status = Body(), []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_TYPE": kind,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        **({} if length is None else {"CONTENT_LENGTH": length}),
        **further,
    }
    list(ShopHandler()(environ, lambda line, headers: status.append(int(line[:3]))))  # type: ignore[arg-type]  # the least that a server passes
    return status[0], body.read_bytes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "path"), DOORS)
def test_a_large_body_is_refused_unread(method, path, kind):
    assert answer(method, path, kind, str(LARGE)) == (413, 0)


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 5000, "²"])
def test_a_length_that_is_none_is_refused_unread(length):
    assert answer("POST", "/api/accounts/login/", FORM, length) == (413, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "path"), DOORS)
def test_of_a_body_without_a_length_nothing_is_read(method, path, kind):
    status, read_bytes = answer(method, path, kind, None, HTTP_TRANSFER_ENCODING="chunked")

    assert status < 500
    assert read_bytes == 0


def test_a_csrf_cookie_does_not_get_a_form_read():
    cookie = {"HTTP_COOKIE": f"csrftoken={'x' * 32}"}

    assert answer("POST", "/admin/login/", FORM, str(LARGE), **cookie) == (413, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_takes_pictures_takes_more_than_a_megabyte(kind):
    length = str(shop_settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

    assert answer("POST", "/api/accounts/login/", kind, length) == (413, 0)
    assert answer("POST", "/admin/catalog/product/add/", kind, length) == (413, 0)
    # Nobody is told of a size where they may not send anything.
    assert answer("POST", "/api/catalog/products/1/images/", kind, length) == (401, 0)


def test_only_a_picture_can_be_large_enough_for_the_disk():
    in_memory = shop_settings.FILE_UPLOAD_MAX_MEMORY_SIZE

    assert in_memory > shop_settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_a_picture_of_the_largest_size_fits():
    assert shop_settings.UPLOAD_MAX_BYTES > pictures.MAX_BYTES
    site = Client(raise_request_exception=False)
    site.force_login(StaffFactory(is_superuser=True))
    form = {"product": ProductFactory().pk, "alt": "", "position": "", "address": ""}

    def send(size: int):
        upload = SimpleUploadedFile("a.png", b"x" * size)
        return site.post("/admin/catalog/productimage/add/", {**form, "upload": upload})

    assert send(pictures.MAX_BYTES).status_code == 200  # read, and found to be no picture
    refused = send(shop_settings.UPLOAD_MAX_BYTES)
    assert refused.status_code == 413
    assert b"too large" in refused.content
