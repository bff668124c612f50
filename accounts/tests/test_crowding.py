"""A storm of logins is let in a few at a time, and the shop's other threads stay free."""

import io
import json
import threading
from contextlib import ExitStack, contextmanager

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client

from accounts.crowding import place_in_line
from accounts.errors import PasswordsBusy
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from shop_backend.kernel.models import SpentBudget
from shop_backend.kernel.quick_refusals import QuickRefusals
from shop_backend.kernel.requests import ShopHandler
from tests.wsgi import Server, comparable

LOGIN = "/api/accounts/login/"
ARGON = ["accounts.hashers.Argon2idHasher"]


@contextmanager
def someone_logging_in():
    """Hold a place in another thread, as a request does that is being worked on."""
    is_in, may_go = threading.Event(), threading.Event()

    def work():
        with place_in_line():
            is_in.set()
            may_go.wait()

    thread = threading.Thread(target=work)
    thread.start()
    is_in.wait()
    try:
        yield
    finally:
        may_go.set()
        thread.join()


@pytest.fixture(autouse=True)
def _two_places(settings):
    settings.PASSWORDS_AT_ONCE = 2


@pytest.mark.django_db(transaction=True)
def test_a_login_beyond_the_places_is_told_when_to_come_back(client):
    user = UserFactory()
    body = {"username": user.username, "password": PASSWORD}

    with someone_logging_in(), someone_logging_in():
        refused = client.post(LOGIN, body)
    answer = client.post(LOGIN, body)

    assert (refused.status_code, refused.json()["code"]) == (503, "passwords_busy")
    assert refused.headers["Retry-After"] == "1"
    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_refused_login_does_not_count_as_a_wrong_password(client, settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "password": "1/hour"}
    user = UserFactory()
    body = {"username": user.username, "password": PASSWORD}

    with someone_logging_in(), someone_logging_in():
        assert client.post(LOGIN, body).status_code == 503

    assert not SpentBudget.objects.filter(key__startswith="password").exists()
    assert client.post(LOGIN, body).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_wrong_password_gives_its_place_back(client):
    user = UserFactory()

    for _ in range(3):
        wrong = client.post(LOGIN, {"username": user.username, "password": "not this one"})
        assert wrong.status_code == 401

    with someone_logging_in():
        answer = client.post(LOGIN, {"username": user.username, "password": PASSWORD})

    assert answer.status_code == 200


@pytest.fixture
def shop():
    return Server(QuickRefusals(ShopHandler()))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [LOGIN, "/accounts/token", "/api/auth/jwt/create/"])
def test_while_the_line_is_full_who_comes_is_refused_before_the_shop_has_begun(shop, path):
    plain = Server(ShopHandler())

    with someone_logging_in(), someone_logging_in():
        learned = log_in_at(shop, path)
        again = log_in_at(shop, path, HTTP_X_REQUEST_ID="mine")
        ordinary = log_in_at(plain, path)
    let_in = log_in_at(shop, path)

    assert again[0] == "503 Service Unavailable"
    assert comparable(again) == comparable(learned) == comparable(ordinary)
    assert again[1]["X-Request-ID"] == "mine"
    assert shop.ordinary == 2
    assert let_in[0] == "401 Unauthorized"


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_given_to_no_other_origin_and_to_nobody_who_reads(shop, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]

    with someone_logging_in(), someone_logging_in():
        log_in_at(shop, LOGIN)
        for origin in ("https://shop.example", "https://evil.example"):
            before = shop.ordinary
            log_in_at(shop, LOGIN, HTTP_ORIGIN=origin)
            assert shop.ordinary == before + 1
        shop.ask(LOGIN)
        assert shop.ordinary == before + 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cookie", ["csrftoken=x", "sessionid=x"])
def test_a_cookie_for_one_browser_goes_to_no_other(shop, cookie):
    with someone_logging_in(), someone_logging_in():
        log_in_at(shop, LOGIN, HTTP_COOKIE=cookie)
        _, headers, _ = log_in_at(shop, LOGIN)

    assert "Set-Cookie" not in headers


@pytest.mark.django_db(transaction=True)
def test_a_door_that_looks_at_the_form_first_still_does(shop, settings):
    settings.PASSWORD_HASHERS = ARGON
    words = {"username": "newcomer", "email": "n@example.com", "password": "tulip-harbour-92"}

    with someone_logging_in(), someone_logging_in():
        busy = post_to(shop, "/api/accounts/register/", words)
        wrong = post_to(shop, "/api/accounts/register/", {**words, "email": "none"})

    assert (busy[0][:3], wrong[0][:3]) == ("503", "400")


def log_in_at(server, path, **headers):
    words = {"username": "nobody", "password": "tulip-harbour-92"}
    return post_to(server, path, words, **headers)


def post_to(server, path, words, **headers):
    body = json.dumps(words).encode()
    return server.ask(
        path,
        "POST",
        **{
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **headers,
        },
    )


@pytest.mark.django_db(transaction=True)
def test_registrations_stand_in_the_same_line(client, settings):
    settings.PASSWORD_HASHERS = ARGON
    body = {"username": "newcomer", "email": "newcomer@example.com", "password": "tulip-harbour-92"}

    with someone_logging_in(), someone_logging_in():
        refused = client.post("/api/accounts/register/", body)

    assert (refused.status_code, refused.json()["code"]) == (503, "passwords_busy")
    assert not User.objects.filter(username="newcomer").exists()


@pytest.mark.django_db(transaction=True)
def test_the_admin_site_says_so_on_its_form(client):
    user = UserFactory(is_staff=True)

    with someone_logging_in(), someone_logging_in():
        page = client.post(
            "/admin/login/", {"username": user.username, "password": PASSWORD}, format="multipart"
        )

    assert page.status_code == 200
    assert "Many people are logging in at the moment" in page.content.decode()


@pytest.mark.django_db
def test_staff_set_passwords_while_many_log_in(settings):
    settings.PASSWORD_HASHERS = [*ARGON, *settings.PASSWORD_HASHERS]
    admin = UserFactory(is_staff=True, is_superuser=True)
    other, browser, new = UserFactory(), Client(), "tulip-harbour-92"
    browser.force_login(admin)
    words = {"password1": new, "password2": new, "usable_password": "true"}
    own = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    with someone_logging_in(), someone_logging_in():
        page = browser.post(f"/admin/accounts/user/{other.pk}/password/", words)
        made = browser.post("/admin/accounts/user/add/", {"username": "newcomer", **words})
        changed = browser.post("/admin/password_change/", own)

    assert [page.status_code, made.status_code, changed.status_code] == [302, 302, 302]
    other.refresh_from_db()
    assert other.check_password(new)


def test_hashing_needs_no_second_place(settings):
    settings.PASSWORD_HASHERS = ARGON
    settings.PASSWORDS_AT_ONCE = 1

    with place_in_line():
        hashed = make_password("tulip-harbour-92")
        assert check_password("tulip-harbour-92", hashed)


def test_as_many_as_there_are_places_get_one(settings):
    settings.PASSWORDS_AT_ONCE = 3

    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(someone_logging_in())
        with pytest.raises(PasswordsBusy), place_in_line():
            pass
    with place_in_line():
        pass
