"""Passwords: changed, and reset by link, by one-part token and by code."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from accounts.models import Otp
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.mailbox import (
    code_mailed_to,
    last_mail_to,
    link_mailed_to,
    one_part_token_mailed_to,
    wrong,
)

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

NEW = "another horse battery"
faces = pytest.mark.parametrize("prefix", ["/api", ""])
slashes = pytest.mark.parametrize("slash", ["/", ""])


def log_in(client, user, password=PASSWORD):
    body = {"username": user.username, "password": password}
    return client.post("/accounts/login/", body).json()


def profile_status(client, access):
    return client.get("/accounts/user/", HTTP_AUTHORIZATION=f"Bearer {access}").status_code


@faces
@slashes
def test_a_change_of_password_keeps_this_session_and_ends_the_others(client, prefix, slash):
    user = UserFactory()
    here, there = log_in(client, user), log_in(client, user)

    response = client.post(
        f"{prefix}/accounts/change-password{slash}",
        {"old_password": PASSWORD, "new_password": NEW},
        HTTP_AUTHORIZATION=f"Bearer {here['access']}",
    )

    assert response.status_code == 200
    assert profile_status(client, here["access"]) == 200
    assert profile_status(client, there["access"]) == 401
    assert "access" in log_in(client, user, NEW)
    assert "access" not in log_in(client, user)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"old_password": "wrong", "new_password": NEW}, "old_password"),
        ({"old_password": PASSWORD, "new_password": "12345678"}, "new_password"),
        ({"old_password": PASSWORD, "new_password": "maximilian"}, "new_password"),
        ({"old_password": PASSWORD}, "new_password"),
    ],
)
def test_a_refused_change_changes_nothing(client, body, field):
    user = UserFactory(username="maximilian")
    client.force_authenticate(user)

    response = client.post("/accounts/change-password/", body)

    assert response.status_code == 400
    assert list(response.json()) == [field]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@faces
@slashes
def test_a_link_sets_a_new_password_once_and_ends_all_sessions(client, prefix, slash):
    user = UserFactory()
    session = log_in(client, user)
    asked = client.post(f"{prefix}/accounts/request-reset-email{slash}", {"email": user.email})
    uid, token = link_mailed_to(user.email)
    path = f"{prefix}/accounts/password-reset-confirm/{uid}/{token}{slash}"

    first = client.post(path, {"new_password": NEW})
    second = client.post(path, {"new_password": "a third horse battery"})

    assert (asked.status_code, first.status_code, second.status_code) == (200, 200, 400)
    assert profile_status(client, session["access"]) == 401
    user.refresh_from_db()
    assert user.check_password(NEW)


@faces
@slashes
def test_the_one_part_token_of_the_other_name_sets_a_new_password_once(client, prefix, slash):
    user = UserFactory()
    client.post(f"{prefix}/forgot_password{slash}", {"email": user.email.upper()})
    token = one_part_token_mailed_to(user.email)
    path = f"{prefix}/reset_password/{token}{slash}"

    differing = client.post(path, {"password": NEW, "confirm_password": "something else"})
    alone = client.post(path, {"password": NEW})
    first = client.post(path, {"password": NEW, "confirm_password": NEW})
    second = client.post(path, {"password": NEW, "re_password": NEW})

    assert (differing.status_code, alone.status_code) == (400, 400)
    assert (first.status_code, second.status_code) == (200, 400)
    user.refresh_from_db()
    assert user.check_password(NEW)


@pytest.mark.parametrize(
    "path",
    [
        "/reset_password/nonsense/",
        "/reset_password/MQ.x-y/",
        "/accounts/password-reset-confirm/MQ/x-y/",
        "/accounts/password-reset-confirm/%C3%A9/%C3%A9-%F0%9F%98%80/",
        "/accounts/password-reset-confirm/" + "9" * 60 + "/abc/",
        "/accounts/password-reset-confirm/OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5/abc-def/",
    ],
)
def test_what_is_no_link_sets_nothing(client, path):
    UserFactory(pk=1)

    body = {"new_password": NEW, "password": NEW, "re_password": NEW}

    assert client.post(path, body).json() == {
        "token": ["The link is invalid, used or expired; ask for a new one."]
    }


def mailed_link(client, user):
    client.post("/accounts/request-reset-email/", {"email": user.email})
    return link_mailed_to(user.email)


def confirm(client, link, password=NEW):
    body = {"new_password": password}
    return client.post(f"/accounts/password-reset-confirm/{link[0]}/{link[1]}/", body)


def test_a_link_is_good_for_thirty_minutes(client):
    user = UserFactory()
    generator = type(tokens.reset_tokens)(purpose="reset", lifetime=timedelta(minutes=30))

    def made(minutes):
        generator._now = lambda: tokens.reset_tokens._now() - timedelta(minutes=minutes)
        return tokens.encode_uid(user), generator.make_token(user)

    assert confirm(client, made(31)).status_code == 400
    assert confirm(client, made(29)).status_code == 200


def test_a_login_kills_the_link(client):
    user = UserFactory()
    link = mailed_link(client, user)
    log_in(client, user)

    assert confirm(client, link).status_code == 400


def test_a_new_email_kills_the_link(client):
    user = UserFactory()
    link = mailed_link(client, user)
    user.email = "new@example.com"
    user.save(update_fields=["email"])

    assert confirm(client, link).status_code == 400


def test_a_weak_password_leaves_the_link_alive(client):
    user = UserFactory(username="maximilian")
    link = mailed_link(client, user)

    weak = confirm(client, link, "maximilian")

    assert weak.status_code == 400
    assert list(weak.json()) == ["new_password"]
    assert confirm(client, link).status_code == 200


def test_a_link_of_a_deactivated_account_is_dead(client):
    user = UserFactory()
    link = mailed_link(client, user)
    user.is_active = False
    user.save(update_fields=["is_active"])

    assert confirm(client, link).status_code == 400


@faces
@slashes
def test_a_code_sets_a_new_password_once_and_ends_all_sessions(client, prefix, slash):
    user = UserFactory()
    session = log_in(client, user)
    asked = client.post(f"{prefix}/accounts/forgot-password{slash}", {"email": user.email})
    body = {"email": user.email, "otp": code_mailed_to(user.email), "new_password": NEW}

    first = client.post(f"{prefix}/accounts/reset-password{slash}", body)
    second = client.post(f"{prefix}/accounts/reset-password{slash}", body)

    assert (asked.status_code, first.status_code, second.status_code) == (200, 200, 400)
    assert profile_status(client, session["access"]) == 401
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_a_reset_code_dies_after_five_wrong_tries(client):
    user = UserFactory()
    client.post("/accounts/forgot-password/", {"email": user.email})
    code = code_mailed_to(user.email)

    def reset(otp):
        body = {"email": user.email, "otp": otp, "new_password": NEW}
        return client.post("/api/accounts/reset-password/", body)

    for _ in range(5):
        assert reset(wrong(code)).json()["code"] == "invalid_otp"
    assert reset(code).json()["code"] == "invalid_otp"
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_weak_password_costs_a_try_but_not_the_code(client):
    user = UserFactory(username="maximilian")
    client.post("/accounts/forgot-password/", {"email": user.email})
    body = {"email": user.email, "otp": code_mailed_to(user.email)}

    weak = client.post("/api/accounts/reset-password/", {**body, "new_password": "maximilian"})

    assert weak.json()["code"] == "weak_password"
    assert Otp.objects.get().tries == 1
    good = client.post("/accounts/reset-password/", {**body, "new_password": NEW})
    assert good.status_code == 200


def test_a_code_of_activation_resets_nothing(client):
    user = UserFactory(email_verified_at=None)
    client.post("/accounts/resend-otp/", {"email": user.email})
    body = {"email": user.email, "otp": code_mailed_to(user.email), "new_password": NEW}

    assert client.post("/accounts/reset-password/", body).status_code == 400


def test_a_reset_neither_verifies_nor_activates(client):
    user = UserFactory(email_verified_at=None)

    assert confirm(client, mailed_link(client, user)).status_code == 200

    user.refresh_from_db()
    assert user.email_verified_at is None
    assert "access" not in log_in(client, user, NEW)


ASKING = [
    "/api/accounts/resend-otp/",
    "/accounts/resend-otp/",
    "/api/accounts/forgot-password/",
    "/accounts/forgot-password/",
    "/api/accounts/request-reset-email/",
    "/accounts/request-reset-email/",
    "/api/forgot_password/",
    "/forgot_password/",
    "/auth/users/resend_activation/",
    "/auth/users/reset_password/",
]


@pytest.mark.parametrize("path", ASKING)
def test_asking_tells_nothing_about_an_address(client, path):
    UserFactory(email="verified@example.com")
    UserFactory(email="unverified@example.com", email_verified_at=None)
    UserFactory(email="deactivated@example.com", is_active=False)
    names = ["verified", "unverified", "deactivated", "nobody"]

    answers = [client.post(path, {"email": f"{name}@example.com"}) for name in names]

    assert {answer.status_code for answer in answers} <= {200, 204}
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1
    recipients = {address for message in mail.outbox for address in message.to}
    assert not recipients & {"deactivated@example.com", "nobody@example.com"}


@pytest.mark.parametrize("path", ASKING)
def test_asking_does_the_same_work_for_a_known_and_an_unknown_address(path, settings, client):
    settings.OUTBOX_DELIVERY = "worker"
    UserFactory(email="known@example.com", email_verified_at=None)

    assert statements(client, path, {"email": "known@example.com"}) == statements(
        client, path, {"email": "nobody@example.com"}
    )


@pytest.mark.parametrize("path", ["/accounts/verify-otp/", "/accounts/reset-password/"])
def test_trying_a_code_does_the_same_work_for_a_known_and_an_unknown_address(path, client):
    user = UserFactory(email_verified_at=None)
    client.post("/accounts/resend-otp/", {"email": user.email})
    client.post("/accounts/forgot-password/", {"email": user.email})
    code = wrong(code_mailed_to(user.email))
    body = {"otp": code, "new_password": NEW}

    assert statements(client, path, {**body, "email": user.email}) == statements(
        client, path, {**body, "email": "nobody@example.com"}
    )


def statements(client, path, body):
    with CaptureQueriesContext(connection) as captured:
        client.post(path, body)
    statements = [query["sql"].split() for query in captured]
    return [
        words[:3] if words[0] in {"INSERT", "UPDATE", "DELETE"} else words[:1]
        for words in statements
    ]


def test_mails_have_one_line_subjects_and_the_shops_own_links(client, settings):
    settings.SHOP_NAME = "Shop\r\nBcc: everybody@example.com"
    settings.FRONTEND_URL = "https://shop.example/"
    user = UserFactory()

    client.post("/forgot_password/", {"email": user.email}, HTTP_HOST="localhost")

    message = last_mail_to(user.email)
    assert "\n" not in message.subject
    assert "https://shop.example/password-reset/" in message.body
