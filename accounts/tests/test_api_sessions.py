"""Logging in, refreshing, logging out; what ends a session counts at the next request."""

import re
import uuid
from contextlib import contextmanager
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework.settings import api_settings

from accounts import services
from accounts.models import Session, TwoFactor, User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.second_factor import switch_on
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def log_in(client, user, path="/accounts/login/"):
    return client.post(path, {"username": user.username, "password": PASSWORD}).json()


def profile_status(client, access, prefix="Bearer"):
    return client.get("/accounts/user/", HTTP_AUTHORIZATION=f"{prefix} {access}").status_code


def refresh(client, token, path="/accounts/token/refresh/"):
    return client.post(path, {"refresh": token})


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_login_by_username_or_email_brings_tokens_and_the_profile(client, prefix, slash):
    user = StaffFactory(username="Meg", email="meg@example.com", role="manager")

    for login in ["meg", "MEG", "meg@example.com", "Meg@Example.COM"]:
        response = client.post(
            f"{prefix}/accounts/login{slash}", {"username": login, "password": PASSWORD}
        )
        body = response.json()["data"] if prefix else response.json()
        assert response.status_code == 200
        assert set(body) == {"access", "refresh", "user"}
        assert body["user"]["id"] == user.pk
        assert body["user"]["roles"] == ["manager"]
        assert profile_status(client, body["access"]) == 200


@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_the_doors_of_tokens_answer_on_both_faces(client, prefix, slash):
    user = UserFactory()
    body = {"email": user.email, "password": PASSWORD}

    pair = client.post(f"{prefix}/accounts/token{slash}", body).json()
    pair = pair["data"] if prefix else pair
    assert set(pair) == {"access", "refresh"}
    token = {"token": pair["access"]}
    assert client.post(f"{prefix}/accounts/token/verify{slash}", token).status_code == 200
    new = refresh(client, pair["refresh"], f"{prefix}/accounts/token/refresh{slash}").json()
    new = new["data"] if prefix else new
    assert set(new) == {"access", "refresh"}
    client.credentials(HTTP_AUTHORIZATION=f"JWT {new['access']}")
    out = client.post(f"{prefix}/accounts/logout{slash}", {"refresh": new["refresh"]})
    assert out.status_code == 200
    assert client.post(f"{prefix}/accounts/token/verify{slash}", token).status_code == 401


def test_a_session_remembers_where_it_was_opened(client):
    user = UserFactory()
    body = {"username": user.username, "password": PASSWORD}

    client.post("/accounts/login/", body, HTTP_USER_AGENT="x" * 300, REMOTE_ADDR="203.0.113.9")

    session = Session.objects.get()
    assert (session.user_agent, session.ip) == ("x" * 255, "203.0.113.9")


def test_every_refused_login_gets_the_same_answer(client):
    UserFactory(username="known")
    UserFactory(username="unverified", email_verified_at=None)
    UserFactory(username="deactivated", is_active=False)
    logins = [("known", "wrong"), ("unverified", PASSWORD), ("deactivated", PASSWORD)]
    logins += [("nobody", PASSWORD), ("nobody@example.com", PASSWORD)]

    for path in [
        "/accounts/login/",
        "/accounts/token/",
        "/auth/jwt/create/",
        "/api/auth/jwt/create/",
    ]:
        answers = [client.post(path, {"username": name, "password": word}) for name, word in logins]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.content for answer in answers}) == 1
        assert all(answer["WWW-Authenticate"] for answer in answers)
    assert not Session.objects.exists()


def test_a_login_needs_a_name_and_a_password(client):
    assert list(client.post("/accounts/login/", {}).json()) == ["password"]
    assert list(client.post("/accounts/login/", {"password": "x"}).json()) == ["username"]


def test_a_bad_token_is_refused_everywhere_but_at_the_doors(client):
    user = UserFactory()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")

    refused = client.get("/userinfo/")
    login = client.post("/accounts/login/", {"username": user.username, "password": PASSWORD})

    assert refused.status_code == 401
    assert refused.json()["code"] == "token_not_valid"
    assert refused["WWW-Authenticate"].startswith("Bearer")
    assert login.status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer  ", "Basic eDp5", "Token x"])
def test_a_header_that_is_no_token_opens_nothing(client, header):
    assert client.get("/accounts/user/", HTTP_AUTHORIZATION=header).status_code == 401


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_forged_tokens_are_refused(client):
    user = UserFactory()
    tokens = log_in(client, user)
    good = claims(tokens["access"])
    key = settings.SECRET_KEY

    forged = [
        jwt.encode(good, None, algorithm="none"),
        jwt.encode(good, "another key of more than thirty-two bytes", algorithm="HS256"),
        jwt.encode(good, key, algorithm="HS512"),
        jwt.encode({**good, "token_type": "refresh"}, key, algorithm="HS256"),
        jwt.encode({**good, "exp": 1}, key, algorithm="HS256"),
        jwt.encode({**good, "sid": str(uuid.uuid4())}, key, algorithm="HS256"),
        jwt.encode({**good, "sid": "x"}, key, algorithm="HS256"),
        jwt.encode({**good, "user_id": str(user.pk + 1)}, key, algorithm="HS256"),
        jwt.encode({k: v for k, v in good.items() if k != "sid"}, key, algorithm="HS256"),
        tokens["refresh"],
    ]

    assert [profile_status(client, token) for token in forged] == [401] * len(forged)
    assert profile_status(client, tokens["access"]) == 200
    assert refresh(client, tokens["access"]).status_code == 401
    assert refresh(client, "x" * 5000).status_code == 400


def test_user_and_session_are_read_in_one_query(client, django_assert_num_queries):
    tokens = log_in(client, UserFactory())
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")

    with django_assert_num_queries(1):
        assert client.post("/accounts/logout/", {}).status_code == 400


def test_a_refresh_token_rotates(client):
    first = log_in(client, UserFactory())

    second = refresh(client, first["refresh"]).json()
    third = refresh(client, second["refresh"])

    assert second["refresh"] != first["refresh"]
    assert profile_status(client, second["access"]) == 200
    assert third.status_code == 200
    assert Session.objects.count() == 1


@pytest.mark.parametrize("path", ["/accounts/token/refresh/", "/auth/jwt/refresh/"])
def test_a_refresh_token_used_a_moment_ago_is_a_conflict_and_harmless(client, path):
    first = log_in(client, UserFactory())
    second = refresh(client, first["refresh"], path).json()

    again = refresh(client, first["refresh"], path)

    assert again.status_code == 409
    assert again.json()["code"] == "refresh_already_used"
    assert refresh(client, second["refresh"], path).status_code == 200


@pytest.mark.parametrize("path", ["/accounts/token/refresh/", "/auth/jwt/refresh/"])
def test_a_refresh_token_used_earlier_ends_the_session(client, path):
    first = log_in(client, UserFactory())
    access, successor = services.refresh(
        refresh_token=first["refresh"], now=timezone.now() - timedelta(seconds=11)
    )

    again = refresh(client, first["refresh"], path)

    assert again.status_code == 401
    assert again.json()["code"] == "token_not_valid"
    assert refresh(client, successor).status_code == 401
    assert profile_status(client, access) == 401


@pytest.mark.parametrize("path", ["/accounts/token/refresh/", "/auth/jwt/refresh/"])
def test_a_session_that_goes_while_it_is_refreshed_refuses_its_token(client, path):
    first = log_in(client, UserFactory())

    def forget_it(execute, sql, params, many, context):
        if re.match(r"UPDATE .accounts_session.", sql):
            Session.objects.all().delete()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(forget_it):
        refused = refresh(client, first["refresh"], path)

    assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")


def test_a_refresh_token_of_two_rotations_ago_is_harmless_for_ten_seconds_and_no_longer(client):
    start = timezone.now()
    first = log_in(client, UserFactory())["refresh"]

    def refreshed(token, seconds):
        now = start + timedelta(seconds=seconds)
        return services.refresh(refresh_token=token, now=now)[1]

    second = refreshed(first, 0)
    third = refreshed(second, 1)
    with pytest.raises(services.sessions.RefreshAlreadyUsed):
        refreshed(first, 2)
    fourth = refreshed(third, 3)
    with pytest.raises(services.sessions.RefreshAlreadyUsed):
        refreshed(second, 10.9)
    assert Session.objects.get().revoked_at is None

    with pytest.raises(services.sessions.InvalidToken):
        refreshed(first, 10)
    with pytest.raises(services.sessions.InvalidToken):
        refreshed(fourth, 11)


def test_only_the_rotations_of_the_last_ten_seconds_are_remembered(client):
    start = timezone.now()
    token = log_in(client, UserFactory())["refresh"]

    for seconds in [*range(5), *[20] * 30]:
        now = start + timedelta(seconds=seconds)
        _, token = services.refresh(refresh_token=token, now=now)

    used_at = [at for _, at in Session.objects.get().recent_rotations]
    assert used_at == [(start + timedelta(seconds=20)).timestamp()] * 20


@pytest.mark.parametrize("path", ["/accounts/token/verify/", "/auth/jwt/verify/"])
def test_a_used_refresh_token_does_not_verify(client, path):
    first = log_in(client, UserFactory())["refresh"]
    assert client.post(path, {"token": first}).status_code == 200

    second = refresh(client, first).json()["refresh"]

    response = client.post(path, {"token": first})
    assert (response.status_code, response.json()["code"]) == (401, "token_not_valid")
    assert client.post(path, {"token": second}).status_code == 200
    assert refresh(client, second).status_code == 200


@pytest.mark.parametrize("path", ["/accounts/token/refresh/", "/auth/jwt/refresh/"])
def test_a_token_of_djosers_door_does_not_rotate_at_either_door(client, path):
    tokens = log_in(client, UserFactory(), "/auth/jwt/create/")

    answers = [refresh(client, tokens["refresh"], path) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [set(answer.json()) for answer in answers] == [{"access"}] * 3
    lifetime = claims(tokens["refresh"])["exp"] - claims(tokens["refresh"])["iat"]
    assert abs(lifetime - 24 * 3600) <= 1
    assert profile_status(client, answers[0].json()["access"]) == 200


def test_a_session_past_its_end_is_dead(client):
    tokens = log_in(client, UserFactory(), "/auth/jwt/create/")
    Session.objects.update(expires_at=timezone.now())

    assert profile_status(client, tokens["access"]) == 401
    assert refresh(client, tokens["refresh"]).status_code == 401


def test_a_logout_ends_its_session_at_once_and_no_other(client):
    user = UserFactory()
    here, there = log_in(client, user), log_in(client, user)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {here['access']}")

    assert client.post("/accounts/logout/", {"refresh": here["refresh"]}).status_code == 200

    client.credentials()
    assert profile_status(client, here["access"]) == 401
    assert refresh(client, here["refresh"]).status_code == 401
    assert profile_status(client, there["access"]) == 200


def test_a_logout_of_all_ends_every_session(client):
    user, other = UserFactory(), UserFactory()
    here, there, elsewhere = log_in(client, user), log_in(client, user), log_in(client, other)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {here['access']}")

    assert client.post("/api/accounts/logout/", {"all": True}).status_code == 200

    client.credentials()
    assert [profile_status(client, t["access"]) for t in (here, there)] == [401, 401]
    assert profile_status(client, elsewhere["access"]) == 200


def test_nobody_ends_another_persons_session(client):
    mine, theirs = log_in(client, UserFactory()), log_in(client, UserFactory())
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {mine['access']}")

    response = client.post("/accounts/logout/", {"refresh": theirs["refresh"]})

    assert response.status_code == 401
    assert response["WWW-Authenticate"]
    assert profile_status(client, theirs["access"]) == 200


def test_a_deactivated_accounts_tokens_are_dead_at_the_next_request(client):
    user = UserFactory()
    tokens = log_in(client, user)
    services.set_active(user=user, actor=StaffFactory(role="admin"), is_active=False)

    assert profile_status(client, tokens["access"]) == 401
    assert refresh(client, tokens["refresh"]).status_code == 401

    services.set_active(user=user, actor=StaffFactory(role="admin"), is_active=True)
    assert profile_status(client, tokens["access"]) == 401


@pytest.mark.parametrize("door", ["/accounts/login/", "/accounts/token/", "/auth/jwt/create/"])
def test_a_login_from_before_the_second_factor_opens_no_session_after_it(client, door):
    user = UserFactory()
    body = {"username": user.username, "password": PASSWORD}

    with once_the_second_factor_was_looked_for(lambda: switch_on(User.objects.get(pk=user.pk))):
        answer = client.post(door, body)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert not Session.objects.exists()
    assert client.post(door, body).json()["code"] == "two_factor_required"


@contextmanager
def once_the_second_factor_was_looked_for(happens):
    """Let something happen between a login's checks and the statement that lets it in."""
    has_happened = []

    def watch(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if TwoFactor._meta.db_table in sql and not has_happened:
            has_happened.append(True)
            happens()
        return result

    with connection.execute_wrapper(watch):
        yield
    assert has_happened


def test_a_password_checked_before_a_reset_opens_no_session_after_it():
    user = UserFactory()
    stale = type(user).objects.get(pk=user.pk)
    user.set_password("another horse battery")
    user.save(update_fields=["password"])

    with pytest.raises(services.sessions.InvalidCredentials):
        services.open_session(user=stale, device=services.Device(), rotates=True)

    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%" + "a" * 60, "fe80::1"),
        ("2001:db8::7", "2001:db8::7"),
        ("192.0.2.7", "192.0.2.7"),
        ("no address", None),
    ],
)
def test_a_session_remembers_an_address_without_the_interface_it_came_in_by(
    client, monkeypatch, sent, kept
):
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1)
    body = {"username": UserFactory().username, "password": PASSWORD}

    by_proxy = client.post("/accounts/login/", body, headers={"X-Forwarded-For": sent})
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 0)
    directly = client.post("/accounts/login/", body, REMOTE_ADDR=sent)

    assert (by_proxy.status_code, directly.status_code) == (200, 200)
    assert [session.ip for session in Session.objects.all()] == [kept, kept]


def test_old_sessions_are_swept():
    user = UserFactory()
    services.open_session(user=user, device=services.Device(ip="no address"), rotates=True)
    services.open_session(user=user, device=services.Device(), rotates=True)
    old = Session.objects.order_by("pk").first()
    Session.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(days=31))

    assert services.sweep()["sessions"] == 1


def test_logins_are_throttled_by_address(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": "2/min"}
    client = ShopClient(REMOTE_ADDR="203.0.113.77")
    body = {"username": "nobody", "password": "x"}

    statuses = [client.post("/accounts/login/", body) for _ in range(3)]

    assert [answer.status_code for answer in statuses] == [401, 401, 429]
    assert int(statuses[2]["Retry-After"]) > 0


def test_the_address_that_logs_in_too_often_is_told_what_is_left(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": "2/min"}
    client = ShopClient(REMOTE_ADDR="203.0.113.78")
    body = {"username": "nobody", "password": "x"}

    first, second, third = [client.post("/api/accounts/login/", body) for _ in range(3)]

    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("2", "1")
    assert (second["RateLimit-Remaining"], third["RateLimit-Remaining"]) == ("0", "0")
    assert 0 < int(third["RateLimit-Reset"]) <= 60
    assert third.json()["code"] == "throttled"


def test_a_forged_header_and_a_neighbour_in_ones_own_network_are_no_new_address(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": "1/min"}
    body = {"username": "nobody", "password": "x"}

    def try_from(address, **headers):
        client = ShopClient(REMOTE_ADDR=address)
        return client.post("/accounts/login/", body, **headers).status_code

    assert try_from("2001:db8:1:2::1") == 401
    assert try_from("2001:db8:1:2:ffff::2") == 429
    assert try_from("2001:db8:1:3::1") == 401
    assert try_from("203.0.113.80") == 401
    assert try_from("203.0.113.80", HTTP_X_FORWARDED_FOR="198.51.100.7") == 429


def test_behind_one_proxy_only_what_that_one_has_seen_is_an_address(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": "1/min"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}

    def try_from(forwarded):
        """The proxy puts the address it sees behind what the client has sent."""
        client = ShopClient(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
        return client.post("/accounts/login/", {"username": "nobody", "password": "x"}).status_code

    assert try_from("203.0.113.90") == 401
    assert try_from("198.51.100.7, 203.0.113.90") == 429
    assert try_from("203.0.113.91, 198.51.100.8, 203.0.113.90") == 429
    assert try_from(", 203.0.113.90") == 429
    assert try_from("203.0.113.90, 203.0.113.91") == 401


@pytest.mark.parametrize("door", ["/accounts/login/", "/accounts/token/", "/auth/jwt/create/"])
def test_wrong_passwords_of_one_name_are_counted_from_wherever_they_come(settings, door):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "password": "3/15min"}
    UserFactory(username="meg")

    def answers_for(name):
        found = []
        for number in range(5):
            client = ShopClient(REMOTE_ADDR=f"198.51.100.{number}")
            password = "wrong" if number < 4 else PASSWORD
            found.append(client.post(door, {"username": name, "password": password}))
        return [(answer.status_code, answer.json().get("code")) for answer in found]

    known, unknown = answers_for("Meg"), answers_for("nobody")

    assert known == unknown
    assert known[:3] == [(401, "invalid_credentials")] * 3
    assert known[3:] == [(429, "too_many_passwords")] * 2


def test_a_right_password_makes_the_wrong_ones_forgotten(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "password": "3/15min"}
    UserFactory(username="meg")
    client = ShopClient(REMOTE_ADDR="198.51.100.99")

    def answer(password):
        return client.post("/accounts/login/", {"username": "meg", "password": password})

    statuses = [answer(word).status_code for word in ["x", "x", PASSWORD, "x", "x", PASSWORD]]

    assert statuses == [401, 401, 200, 401, 401, 200]
