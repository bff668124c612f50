"""Nothing a client can send is a crash, and nothing of it is kept."""

from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

PATHS = [
    "/accounts/register/",
    "/accounts/verify-otp/",
    "/accounts/resend-otp/",
    "/accounts/login/",
    "/accounts/token/",
    "/accounts/token/refresh/",
    "/accounts/token/verify/",
    "/accounts/request-reset-email/",
    "/accounts/password-reset-confirm/MQ/x-y/",
    "/accounts/forgot-password/",
    "/accounts/reset-password/",
    "/reset_password/x/",
    "/auth/users/",
    "/auth/users/activation/",
    "/auth/users/reset_password_confirm/",
    "/auth/jwt/create/",
    "/auth/jwt/refresh/",
    "/auth/jwt/verify/",
]
SIGNED_IN_PATHS = ["/accounts/logout/", "/accounts/change-password/", "/auth/users/set_password/"]
FIELDS = [
    "username",
    "email",
    "password",
    "re_password",
    "confirm_password",
    "first_name",
    "otp",
    "refresh",
    "token",
    "uid",
    "all",
    "old_password",
    "current_password",
    "new_password",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    1.5,
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nBcc: x@example.com",
    "\u202e",
    "😀" * 200,
    "x" * 5000,
    "' OR 1=1 --",
    [],
    [[]],
    {},
    {"a": {"b": []}},
]


@pytest.mark.parametrize("path", PATHS + SIGNED_IN_PATHS)
@pytest.mark.parametrize("value", VALUES, ids=[str(number) for number in range(len(VALUES))])
def test_no_value_in_any_field_crashes_a_door(client, path, value):
    if path in SIGNED_IN_PATHS:
        client.force_authenticate(UserFactory())
    before = User.objects.count()

    response = client.post(path, dict.fromkeys(FIELDS, value))

    assert response.status_code in {400, 401}
    assert User.objects.count() == before


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body", [b"[]", b"[1]", b"null", b'"x"', b"1e999", b"{", b"\xff", b'"\\ud800"']
)
def test_a_body_that_is_no_object_is_malformed(client, path, body):
    response = client.post(path, body, content_type="application/json")

    assert response.status_code == 400


@pytest.mark.parametrize("value", VALUES, ids=[str(number) for number in range(len(VALUES))])
@pytest.mark.parametrize("path", ["/accounts/user/", "/auth/users/me/", "/userinfo/edit/"])
def test_no_value_crashes_the_profile(client, path, value):
    user = UserFactory(first_name="Ann")
    client.force_authenticate(user)

    response = client.put(path, dict.fromkeys(["email", "first_name", "last_name"], value))

    assert response.status_code in {200, 400}
    user.refresh_from_db()
    assert user.email_verified_at is not None
    assert "\x00" not in user.first_name


@pytest.mark.parametrize("field", ["username", "email", "first_name"])
def test_a_line_break_never_reaches_a_mail(client, field):
    body = {"username": "ann", "email": "ann@example.com", "password": PASSWORD}

    response = client.post("/register/", {**body, field: "x\r\nBcc: y@example.com"})

    assert response.status_code == 400


@pytest.mark.parametrize(
    "header", ["Bearer \xe9\xff", "Bearer ..", "Bearer a.b.c", "JWT " + "x." * 99]
)
def test_no_header_crashes_the_authentication(client, header):
    assert client.get("/accounts/user/", HTTP_AUTHORIZATION=header).status_code == 401
