"""Signed-in devices: seen, and ended one by one."""

import pytest

from accounts.models import Session
from accounts.tests.factories import PASSWORD, UserFactory
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def signed_in(user, agent="a browser"):
    client = ShopClient(HTTP_USER_AGENT=agent)
    body = {"username": user.username, "password": PASSWORD}
    access = client.post("/accounts/login/", body).json()["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def listed(client, path="/accounts/sessions/"):
    return client.get(path).json()["results"]


@pytest.mark.parametrize("path", ["/api/accounts/sessions/", "/accounts/sessions"])
def test_one_sees_where_one_is_signed_in(path):
    user = UserFactory()
    signed_in(user, "a phone")
    laptop = signed_in(user, "a laptop")
    signed_in(UserFactory(), "another person's")

    body = laptop.get(path).json()
    rows = body["data"]["results"] if "data" in body else body["results"]

    assert [(row["user_agent"], row["is_current"]) for row in rows] == [
        ("a laptop", True),
        ("a phone", False),
    ]
    assert set(rows[0]) == {
        "id", "created_at", "last_used_at", "expires_at", "user_agent", "ip", "is_current"
    }  # fmt: skip


@pytest.mark.parametrize(("prefix", "status"), [("/api", 200), ("", 204)])
def test_a_session_is_ended_at_once_and_no_other(prefix, status):
    user = UserFactory()
    phone, laptop = signed_in(user, "a phone"), signed_in(user, "a laptop")
    lost = next(row for row in listed(laptop) if row["user_agent"] == "a phone")

    answer = laptop.delete(f"{prefix}/accounts/sessions/{lost['id']}/")

    assert answer.status_code == status
    assert phone.get("/accounts/user/").status_code == 401
    assert [row["user_agent"] for row in listed(laptop)] == ["a laptop"]


def test_ended_sessions_are_not_listed_and_not_ended_again():
    user = UserFactory()
    laptop = signed_in(user)
    signed_in(user).post("/accounts/logout/", {"all": True})
    laptop = signed_in(user)
    ended = Session.objects.exclude(revoked_at=None).order_by("pk")[0]

    assert len(listed(laptop)) == 1
    assert laptop.delete(f"/accounts/sessions/{ended.pk}/").status_code == 404


def test_another_persons_session_is_not_there():
    mine, theirs = signed_in(UserFactory()), signed_in(UserFactory())
    session = Session.objects.order_by("created_at").last()

    answers = [
        mine.delete(f"/api/accounts/sessions/{pk}/")
        for pk in (session.pk, "00000000-0000-4000-8000-000000000000")
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert theirs.get("/accounts/user/").status_code == 200


def test_a_stranger_has_no_sessions():
    assert ShopClient().get("/api/accounts/sessions/").status_code == 401
    assert ShopClient().delete("/api/accounts/sessions/x/").status_code == 404


@pytest.mark.parametrize("rows", [1, 10])
def test_the_list_costs_the_same_with_one_row_and_with_ten(rows, django_assert_num_queries):
    user = UserFactory()
    clients = [signed_in(user) for _ in range(rows)]

    with django_assert_num_queries(3):  # the caller, the count, the page
        assert len(listed(clients[0])) == rows
