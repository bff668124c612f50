"""An account that holds rights is no mere registration, and rights wait for a verified email."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.models import User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.mailbox import code_mailed_to
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

OTHER_WORDS = "a lantern and a ladder"


def by_a_role(user):
    user.groups.add(Group.objects.get(name="manager"))


def by_a_single_right(user):
    user.user_permissions.add(Permission.objects.get(codename="view_order"))


def by_the_door(user):
    User.objects.filter(pk=user.pk).update(is_staff=True)


WAYS = [by_a_role, by_a_single_right, by_the_door]


@pytest.fixture(params=WAYS)
def mia(request):
    user = UserFactory(username="mia", email="mia@example.com", email_verified_at=None)
    user.groups.add(Group.objects.get(name="customer"))
    request.param(user)
    return user


def register(**body):
    body = {"password": OTHER_WORDS, **body}
    return ShopClient().post("/api/accounts/register/", body)


def is_as_before(user):
    now = User.objects.get(pk=user.pk)
    return (now.username, now.email) == (user.username, user.email) and now.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"email": "mia@example.com", "username": "mallory"}, "email_taken"),
        ({"email": "MIA@example.com"}, "email_taken"),
        ({"email": "mallory@example.com", "username": "Mia"}, "username_taken"),
    ],
)
def test_nobody_registers_over_an_account_with_rights(mia, body, code):
    answer = register(**body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert is_as_before(mia)


def test_a_change_to_the_email_of_an_account_with_rights_does_not_delete_it(mia):
    client = ShopClient()
    client.sign_in(UserFactory())

    answer = client.patch("/api/accounts/user/", {"email": "mia@example.com"})

    assert (answer.status_code, answer.json()["code"]) == (400, "email_taken")
    assert is_as_before(mia)


def test_an_account_that_got_rights_while_a_change_to_its_email_waited_is_not_deleted():
    mia = UserFactory(username="mia", email="mia@example.com", email_verified_at=None)
    client = ShopClient()
    client.sign_in(UserFactory())
    client.patch("/api/accounts/user/", {"email": "mia@example.com"})
    by_a_role(mia)

    body = {"email": "mia@example.com", "otp": code_mailed_to("mia@example.com")}
    answer = client.post("/api/accounts/verify-otp/", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "email_taken")
    assert is_as_before(mia)


def test_an_account_with_rights_is_not_swept_and_may_still_be_verified(mia):
    User.objects.update(date_joined=timezone.now() - timedelta(hours=25))

    swept = services.sweep()["registrations"]
    ShopClient().post("/accounts/resend-otp/", {"email": mia.email})
    body = {"email": mia.email, "otp": code_mailed_to(mia.email)}
    verified = ShopClient().post("/api/accounts/verify-otp/", body)

    assert (swept, verified.status_code) == (0, 200)
    assert is_as_before(mia)


def test_a_registration_is_told_from_an_account_with_rights_without_another_statement():
    UserFactory(username="mia", email="mia@example.com", email_verified_at=None)
    UserFactory(username="ann", email="ann@example.com", email_verified_at=None)

    with CaptureQueriesContext(connection) as captured:
        answer = register(email="mia@example.com", username="ann")

    assert answer.status_code == 201
    texts = [query["sql"] for query in captured if "auth_permission" in query["sql"]]
    assert len(texts) == 2
    assert all("accounts_user" in text.partition("WHERE")[0] for text in texts)


@pytest.mark.parametrize("granted", ["groups", "user_permissions", "is_staff", "is_superuser"])
def test_rights_are_not_given_before_the_email_is_verified(granted):
    user = UserFactory(username="mia", email="mia@example.com", email_verified_at=None)
    given = {
        "groups": [Group.objects.get(name="support").pk],
        "user_permissions": [Permission.objects.get(codename="view_order").pk],
        "is_staff": "on",
        "is_superuser": "on",
    }
    form = {"username": "mia", "is_active": "on", "first_name": "Mia", granted: given[granted]}

    refused = save(user, form)
    User.objects.filter(pk=user.pk).update(email_verified_at=timezone.now())
    taken = save(user, form)

    assert (refused.status_code, taken.status_code) == (200, 302)
    (error,) = refused.context["adminform"].form.errors.as_data()[granted]
    assert error.code == "unverified_email"
    assert "not verified" in refused.content.decode()


def save(user, form):
    browser = Client()
    browser.force_login(StaffFactory(is_superuser=True, role="admin"))
    return browser.post(f"/admin/accounts/user/{user.pk}/change/", form)


def test_rights_that_are_there_are_no_obstacle_and_may_be_taken(mia):
    mia = User.objects.get(pk=mia.pk)
    kept = {
        "groups": [group.pk for group in mia.groups.all()],
        "user_permissions": [right.pk for right in mia.user_permissions.all()],
        **({"is_staff": "on"} if mia.is_staff else {}),
    }

    renamed = save(mia, {"username": "mia", "is_active": "on", "first_name": "Mia", **kept})
    assert renamed.status_code == 302
    assert User.objects.get(pk=mia.pk).first_name == "Mia"

    assert save(mia, {"username": "mia", "is_active": "on"}).status_code == 302
    mia = User.objects.get(pk=mia.pk)
    assert (mia.is_staff, mia.groups.count(), mia.user_permissions.count()) == (False, 0, 0)


def test_an_account_without_an_email_is_given_roles():
    user = UserFactory(username="till", email=None, email_verified_at=None)
    groups = [Group.objects.get(name="support").pk]

    assert save(user, {"username": "till", "is_active": "on", "groups": groups}).status_code == 302
    assert user.groups.get().name == "support"


def test_an_account_made_on_the_admin_site_is_given_roles_at_once():
    browser = Client()
    browser.force_login(StaffFactory(role="admin"))
    words = {"password1": OTHER_WORDS, "password2": OTHER_WORDS, "usable_password": "true"}
    body = {"username": "mia", "email": "mia@example.com", **words}
    assert browser.post("/admin/accounts/user/add/", body).status_code == 302
    made = User.objects.get(username="mia")

    form = {"username": "mia", "is_active": "on", "is_staff": "on"}
    form["groups"] = [Group.objects.get(name="support").pk]

    assert save(made, form).status_code == 302
    assert made.groups.get().name == "support"
