"""Accounts as staff see them; for a customer other people do not exist."""

import pytest

from accounts.models import Session, User
from accounts.ports import personal_data
from accounts.services import Device, open_session
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

bases = pytest.mark.parametrize("base", ["/accounts/users", "/users"])
faces = pytest.mark.parametrize("prefix", ["/api", ""])
slashes = pytest.mark.parametrize("slash", ["/", ""])


def bare(response):
    body = response.json()
    return body["data"] if "success" in body else body


@bases
@faces
@slashes
def test_staff_list_accounts(client, base, prefix, slash):
    customer = UserFactory(first_name="Ann")
    client.force_authenticate(StaffFactory(role="support"))

    body = bare(client.get(f"{prefix}{base}{slash}?ordering=id"))

    assert body["count"] == 2
    assert body["results"][0] == {
        "id": customer.pk,
        "username": customer.username,
        "email": customer.email,
        "email_verified": True,
        "first_name": "Ann",
        "last_name": "",
        "roles": [],
        "is_active": True,
        "is_staff": False,
        "date_joined": body["results"][0]["date_joined"],
        "last_login": None,
    }


def test_the_list_is_staffs(client):
    assert client.get("/accounts/users/").status_code == 401
    for user in [UserFactory(), StaffFactory(role="warehouse")]:
        client.force_authenticate(user)
        assert client.get("/accounts/users/").status_code == 403


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("search=ANN", {"ann"}),
        ("search=lee", {"bob"}),
        ("role=support", {"sue"}),
        ("is_active=false", {"gone"}),
        ("is_staff=true", {"sue"}),
        ("email_verified=false", {"gone"}),
    ],
)
def test_the_list_is_searched_and_filtered(client, query, names):
    UserFactory(username="ann")
    UserFactory(username="bob", last_name="Lee")
    UserFactory(username="gone", is_active=False, email_verified_at=None)
    client.force_authenticate(StaffFactory(username="sue", role="support"))

    body = client.get(f"/accounts/users/?{query}").json()

    assert {row["username"] for row in body["results"]} == names


@pytest.mark.parametrize("query", ["is_active=perhaps", "role=nobody", "ordering=password"])
def test_a_filter_that_is_not_understood_is_refused(client, query):
    client.force_authenticate(StaffFactory(role="support"))

    assert client.get(f"/api/accounts/users/?{query}").status_code == 400


@pytest.mark.parametrize("rows", [1, 10])
def test_the_list_costs_the_same_with_one_row_and_with_ten(client, rows, django_assert_num_queries):
    StaffFactory.create_batch(rows, role="warehouse")
    client.force_authenticate(StaffFactory(role="support"))

    with django_assert_num_queries(4):  # permissions, count, users, groups
        assert client.get("/accounts/users/").status_code == 200


@bases
@faces
@slashes
def test_one_sees_oneself_and_nobody_else(client, base, prefix, slash):
    user, other = UserFactory(), UserFactory()
    client.force_authenticate(user)

    own = client.get(f"{prefix}{base}/{user.pk}{slash}")
    another = client.get(f"{prefix}{base}/{other.pk}{slash}")
    missing = client.get(f"{prefix}{base}/{other.pk + 1000}{slash}")

    assert own.status_code == 200
    assert another.status_code == missing.status_code == 404
    assert another.content == missing.content


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
@pytest.mark.parametrize("pk", [2**63, 10**30])
def test_an_id_beyond_all_columns_is_not_there(client, method, pk):
    client.force_authenticate(StaffFactory(role="admin"))

    assert getattr(client, method)(f"/accounts/users/{pk}/", {}).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_customer_changes_nobody_else(client, method):
    user, other = UserFactory(), UserFactory()
    client.force_authenticate(user)

    response = getattr(client, method)(f"/accounts/users/{other.pk}/", {"first_name": "X"})

    assert response.status_code == 404
    other.refresh_from_db()
    assert other.first_name == ""


def test_who_may_only_look_changes_nothing(client):
    other = UserFactory()
    client.force_authenticate(StaffFactory(role="support"))

    assert client.get(f"/accounts/users/{other.pk}/").status_code == 200
    for method in ["patch", "delete"]:
        response = getattr(client, method)(f"/api/accounts/users/{other.pk}/", {"first_name": "X"})
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    other.refresh_from_db()
    assert (other.first_name, other.is_active) == ("", True)


@bases
@faces
@slashes
@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_admin_changes_names_and_lets_in_or_not(client, base, prefix, slash, method):
    other = UserFactory()
    open_session(user=other, device=Device(), rotates=True)
    client.force_authenticate(StaffFactory(role="admin"))

    response = getattr(client, method)(
        f"{prefix}{base}/{other.pk}{slash}", {"first_name": "Ann", "is_active": False}
    )

    assert response.status_code == 200
    assert (bare(response)["first_name"], bare(response)["is_active"]) == ("Ann", False)
    assert not Session.objects.filter(revoked_at=None).exists()


def test_staff_never_set_anothers_email_or_password(client):
    other = UserFactory(email="own@example.com")
    client.force_authenticate(StaffFactory(role="admin"))

    email = client.patch(f"/api/users/{other.pk}/", {"email": "evil@example.com"})
    same = client.patch(f"/api/users/{other.pk}/", {"email": "Own@example.com"})
    client.patch(f"/api/users/{other.pk}/", {"password": "evil horse battery"})

    assert (email.status_code, email.json()["code"]) == (403, "not_your_email")
    assert same.status_code == 200
    other.refresh_from_db()
    assert other.email == "own@example.com"
    assert other.check_password(PASSWORD)


def test_staff_do_not_deactivate_themselves(client):
    admin = StaffFactory(role="admin")
    client.force_authenticate(admin)

    response = client.patch(f"/api/users/{admin.pk}/", {"is_active": False})

    assert (response.status_code, response.json()["code"]) == (409, "own_account")
    admin.refresh_from_db()
    assert admin.is_active


def test_a_superuser_is_changed_by_superusers_only(client):
    root = UserFactory(is_superuser=True)
    client.force_authenticate(StaffFactory(role="admin"))
    refused = client.patch(f"/api/users/{root.pk}/", {"is_active": False})
    client.force_authenticate(UserFactory(is_superuser=True))
    allowed = client.patch(f"/api/users/{root.pk}/", {"is_active": False})

    assert (refused.status_code, refused.json()["code"]) == (403, "protected_account")
    assert allowed.status_code == 200


def test_a_customer_cannot_switch_the_own_account_off_or_on_by_a_field(client):
    user = UserFactory()
    client.force_authenticate(user)

    assert client.patch(f"/users/{user.pk}/", {"is_active": False}).status_code == 200
    user.refresh_from_db()
    assert user.is_active


def test_an_admin_ends_a_customers_account_but_no_colleagues(client):
    customer, colleague = UserFactory(), StaffFactory()
    client.force_authenticate(StaffFactory(role="admin"))

    with personal_data.answered_by([]):
        answers = [client.delete(f"/users/{user.pk}/") for user in (customer, colleague)]

    assert [answer.status_code for answer in answers] == [204, 409]
    customer.refresh_from_db()
    assert customer.email is None
    assert User.objects.get(pk=colleague.pk).is_active
