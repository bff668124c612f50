"""Djoser's paths answer Djoser's clients, on both mounts, by the rules of accounts."""

import pytest

from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.mailbox import link_mailed_to

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

NEW = "another horse battery"
mounts = pytest.mark.parametrize("prefix", ["/api", ""])
slashes = pytest.mark.parametrize("slash", ["/", ""])


def create(client, prefix="", slash="/", **changes):
    body = {"username": "ann", "password": PASSWORD, "re_password": PASSWORD, **changes}
    return client.post(f"{prefix}/auth/users{slash}", body)


def log_in(client, prefix="", slash="/", **changes):
    body = {"username": "ann", "password": PASSWORD, **changes}
    return client.post(f"{prefix}/auth/jwt/create{slash}", body)


@mounts
@slashes
def test_without_an_email_an_account_logs_in_at_once(client, prefix, slash):
    response = create(client, prefix, slash)

    user = User.objects.get()
    assert response.status_code == 201
    assert response.json() == {"id": user.pk, "username": "ann", "email": None}
    tokens = log_in(client, prefix, slash)
    assert tokens.status_code == 200
    assert set(tokens.json()) == {"access", "refresh"}
    client.credentials(HTTP_AUTHORIZATION=f"JWT {tokens.json()['access']}")
    me = client.get(f"{prefix}/auth/users/me{slash}")
    assert me.json() == {"id": user.pk, "username": "ann", "email": None}


@mounts
@slashes
def test_with_an_email_it_is_verified_first_by_the_mailed_link(client, prefix, slash):
    create(client, prefix, slash, email="ann@example.com")
    assert log_in(client).status_code == 401
    uid, token = link_mailed_to("ann@example.com")
    path = f"{prefix}/auth/users/activation{slash}"

    first = client.post(path, {"uid": uid, "token": token})
    second = client.post(path, {"uid": uid, "token": token})

    assert (first.status_code, first.content) == (204, b"")
    assert (second.status_code, second.json()["code"]) == (403, "already_activated")
    assert log_in(client).status_code == 200
    assert log_in(client, username="Ann@Example.com").status_code == 200
    assert log_in(client, username="", email="ann@example.com").status_code == 200


@mounts
@slashes
def test_tokens_are_refreshed_and_verified(client, prefix, slash):
    create(client)
    tokens = log_in(client).json()

    refreshed = client.post(f"{prefix}/auth/jwt/refresh{slash}", {"refresh": tokens["refresh"]})
    verified = client.post(f"{prefix}/auth/jwt/verify{slash}", {"token": tokens["access"]})
    refused = client.post(f"{prefix}/auth/jwt/verify{slash}", {"token": "nonsense"})

    assert (refreshed.status_code, set(refreshed.json())) == (200, {"access"})
    assert (verified.status_code, verified.json()) == (200, {})
    assert refused.status_code == 401
    assert set(refused.json()) == {"detail", "code"}


@mounts
@slashes
def test_a_password_is_set_with_the_current_one(client, prefix, slash):
    create(client)
    here, there = log_in(client).json(), log_in(client).json()
    client.credentials(HTTP_AUTHORIZATION=f"JWT {here['access']}")
    path = f"{prefix}/auth/users/set_password{slash}"

    wrong = client.post(path, {"current_password": "wrong", "new_password": NEW})
    right = client.post(path, {"current_password": PASSWORD, "new_password": NEW})

    assert list(wrong.json()) == ["current_password"]
    assert (right.status_code, right.content) == (204, b"")
    assert client.get("/auth/users/me/").status_code == 200
    assert client.post("/auth/jwt/verify/", {"token": there["access"]}).status_code == 401


@mounts
@slashes
def test_a_password_is_reset_by_link(client, prefix, slash):
    user = UserFactory()
    asked = client.post(f"{prefix}/auth/users/reset_password{slash}", {"email": user.email})
    uid, token = link_mailed_to(user.email)
    body = {"uid": uid, "token": token, "new_password": NEW}
    path = f"{prefix}/auth/users/reset_password_confirm{slash}"

    assert asked.status_code == 204
    assert client.post(path, {**body, "re_new_password": "else"}).status_code == 400
    assert client.post(path, body).status_code == 204
    assert client.post(path, body).status_code == 400
    assert not Session.objects.filter(revoked_at=None).exists()


@mounts
@slashes
@pytest.mark.parametrize("email", ["waiting@example.com", "nobody@example.com"])
def test_an_activation_mail_is_asked_for_again(client, prefix, slash, email):
    UserFactory(email="waiting@example.com", email_verified_at=None)

    response = client.post(f"{prefix}/auth/users/resend_activation{slash}", {"email": email})

    assert (response.status_code, response.content) == (204, b"")


@mounts
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"re_password": "something else"}, "re_password"),
        ({"password": "12345678", "re_password": "12345678"}, "password"),
        ({"username": "taken"}, "username"),
        ({"username": ""}, "username"),
        ({"email": "taken@example.com"}, "email"),
        ({"email": "nonsense"}, "email"),
    ],
)
def test_a_bad_registration_is_answered_by_field(client, prefix, changes, field):
    UserFactory(username="taken", email="taken@example.com")

    response = create(client, prefix, **changes)

    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"uid": "MQ", "token": "x-y"},
        {"uid": "nonsense!", "token": "x"},
        {"uid": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "token": "abc-def"},
    ],
)
def test_what_is_no_activation_link_activates_nothing(client, body):
    UserFactory(pk=1, email_verified_at=None)

    response = client.post("/auth/users/activation/", body)

    assert response.status_code == 400
    assert list(response.json()) == ["token"]
    assert User.objects.get().email_verified_at is None


@mounts
@pytest.mark.parametrize(
    "path",
    [
        "users/1/",
        "users/set_username/",
        "users/reset_username/",
        "users/reset_username_confirm/",
        "token/login/",
        "token/logout/",
        "jwt/blacklist/",
        "o/google/",
    ],
)
def test_djosers_other_routes_are_not_there(client, prefix, path):
    client.force_authenticate(UserFactory(pk=1))

    for method in ["get", "post"]:
        assert getattr(client, method)(f"{prefix}/auth/{path}").status_code == 404


def test_accounts_are_not_listed_here(client):
    client.force_authenticate(UserFactory(is_superuser=True))

    assert client.get("/auth/users/").status_code == 405
