"""The admin site: people with their roles; codes that nobody sees, adds or changes."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.models import EmailChange, Otp, OtpPurpose, OtpRequestCount, Session, User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.mailbox import code_mailed_to
from tests.client import ShopClient

pytestmark = pytest.mark.django_db

MODELS = ["user", "otp", "session", "otprequestcount", "emailchange"]


@pytest.fixture
def root():
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def site(root):
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def rows():
    """One row of everything."""
    user = UserFactory(username="ann", email="ann@example.com")
    client = ShopClient()
    client.post("/accounts/forgot-password/", {"email": user.email})
    client.post("/accounts/login/", {"username": "ann", "password": PASSWORD})
    change = EmailChange.objects.create(user=user, new_email="new@example.com")
    return {
        "user": user,
        "otp": Otp.objects.get(),
        "session": Session.objects.get(),
        "otprequestcount": OtpRequestCount.objects.get(),
        "emailchange": change,
    }


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_page_opens(site, rows, model):
    changelist = site.get(
        f"/admin/accounts/{model}/?q=ann"
        if model != "otprequestcount"
        else f"/admin/accounts/{model}/"
    )
    page = site.get(f"/admin/accounts/{model}/{rows[model].pk}/change/")
    add = site.get(f"/admin/accounts/{model}/add/")

    assert (changelist.status_code, page.status_code) == (200, 200)
    assert add.status_code == (200 if model == "user" else 403)


def test_the_list_of_people_costs_the_same_with_one_row_and_with_ten(
    site, django_assert_max_num_queries
):
    UserFactory.create_batch(10)
    site.get("/admin/")  # notes when the session was opened

    with django_assert_max_num_queries(9):
        site.get("/admin/accounts/user/")


def test_a_code_is_shown_to_nobody(site, rows):
    code = code_mailed_to("ann@example.com")
    otp = rows["otp"]

    for path in ["", f"{otp.pk}/change/"]:
        page = site.get(f"/admin/accounts/otp/{path}").content.decode()
        assert code not in page
        assert otp.code_hash not in page


def test_a_password_is_shown_to_nobody_in_no_part(root):
    hashed = make_password(PASSWORD, salt="Xq7Zt0pLw9Rk3v")
    person, support = UserFactory(), StaffFactory(role="support")
    User.objects.filter(pk=person.pk).update(password=hashed)
    _, salt, digest = hashed.split("$")

    for user in (root, support):
        browser = Client()
        browser.force_login(user)
        page = browser.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()
        assert person.username in page
        assert salt[:6] not in page
        assert digest[:6] not in page
        assert ("../password/" in page) is (user == root)


def test_nobody_adds_or_changes_a_code_superusers_included(site, rows):
    otp = rows["otp"]
    body = {"user": otp.user_id, "purpose": OtpPurpose.ACTIVATION, "email": "x@example.com"}

    assert site.post("/admin/accounts/otp/add/", body).status_code == 403
    assert site.post(f"/admin/accounts/otp/{otp.pk}/change/", body).status_code == 403
    assert Otp.objects.get().purpose == OtpPurpose.PASSWORD_RESET


def test_a_code_may_be_withdrawn(site, rows):
    site.post(f"/admin/accounts/otp/{rows['otp'].pk}/delete/", {"post": "yes"})

    assert not Otp.objects.exists()


def test_a_session_is_revoked_here(site, rows):
    pk = str(rows["session"].pk)

    site.post("/admin/accounts/session/", {"action": "revoke", "_selected_action": [pk]})

    assert Session.objects.get().revoked_at is not None


def test_an_account_made_here_is_vouched_for(site):
    body = {
        "username": "new",
        "email": "new@example.com",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    assert site.post("/admin/accounts/user/add/", body).status_code == 302

    user = User.objects.get(username="new")
    assert user.email_verified_at is not None
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("changes", [{"username": "ROOT"}, {"email": "Root@Example.com"}])
def test_a_name_taken_in_another_case_is_an_error_on_the_form(site, changes):
    body = {
        "username": "new",
        "email": "",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **changes,
    }

    assert site.post("/admin/accounts/user/add/", body).status_code == 200
    assert User.objects.count() == 1


def test_a_rename_to_a_name_taken_in_another_case_is_an_error_on_the_form(site):
    user = UserFactory(username="ann")

    response = site.post(f"/admin/accounts/user/{user.pk}/change/", form_of(user, username="ROOT"))

    assert response.status_code == 200
    user.refresh_from_db()
    assert user.username == "ann"


def form_of(user, **changes):
    form = {"username": user.username, "is_active": "on", "first_name": "", "last_name": ""}
    return {**form, **changes}


def test_roles_are_given_here_and_an_email_is_not_changed(site):
    user = UserFactory(email="own@example.com")
    role = Group.objects.get(name="support")

    response = site.post(
        f"/admin/accounts/user/{user.pk}/change/",
        form_of(user, groups=[role.pk], is_staff="on", email="evil@example.com"),
    )

    assert response.status_code == 302
    user.refresh_from_db()
    assert user.email == "own@example.com"
    assert user.has_perm("orders.view_order")


def test_deactivating_on_the_form_ends_the_sessions(site, rows):
    user = rows["user"]
    form = form_of(user)
    del form["is_active"]

    site.post(f"/admin/accounts/user/{user.pk}/change/", form)

    user.refresh_from_db()
    assert not user.is_active
    assert Session.objects.get().revoked_at is not None
    assert not Otp.objects.filter(user=user).exists()


def test_nobody_deactivates_themselves_on_the_form(site, root):
    form = form_of(root, is_superuser="on", is_staff="on")
    del form["is_active"]

    refused = site.post(f"/admin/accounts/user/{root.pk}/change/", form)

    assert refused.status_code == 200
    assert "You cannot deactivate your own account." in refused.content.decode()
    root.refresh_from_db()
    assert root.is_active


def test_a_form_writes_only_what_it_changed(site, rows):
    user = UserFactory(first_name="Bea")
    page = f"/admin/accounts/user/{user.pk}/change/"
    form = {"username": user.username, "is_active": "on", "first_name": "Beatrice"}

    with CaptureQueriesContext(connection) as queries:
        assert site.post(page, form).status_code == 302

    (update,) = [q["sql"] for q in queries if re.match(r"UPDATE .accounts_user.", q["sql"])]
    assert "first_name" in update
    assert "password" not in update
    assert "sign_in_epoch" not in update


def test_a_password_set_here_ends_the_sessions(site, rows):
    user = rows["user"]
    body = {"usable_password": "true", "password1": "a new horse battery"}

    site.post(f"/admin/accounts/user/{user.pk}/password/", {**body, "password2": body["password1"]})

    user.refresh_from_db()
    assert user.check_password("a new horse battery")
    assert Session.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("action", "is_active", "revoked"),
    [("deactivate", False, True), ("activate", True, False), ("end_sessions", True, True)],
)
def test_actions_on_people(site, rows, root, action, is_active, revoked):
    selected = [rows["user"].pk, root.pk]

    site.post("/admin/accounts/user/", {"action": action, "_selected_action": selected})

    rows["user"].refresh_from_db()
    root.refresh_from_db()
    assert rows["user"].is_active is is_active
    assert (Session.objects.get().revoked_at is not None) is revoked
    assert root.is_active


def test_people_are_not_deleted_here(site, rows):
    path = f"/admin/accounts/user/{rows['user'].pk}/delete/"

    assert site.post(path, {"post": "yes"}).status_code == 403


def test_the_admin_role_is_no_way_to_become_a_superuser(root):
    admin = StaffFactory(role="admin")
    client = Client()
    client.force_login(admin)

    client.post(
        f"/admin/accounts/user/{admin.pk}/change/",
        form_of(admin, is_staff="on", is_superuser="on"),
    )
    on_root = client.post(f"/admin/accounts/user/{root.pk}/change/", form_of(root))
    password = client.post(f"/admin/accounts/user/{root.pk}/password/", {})

    admin.refresh_from_db()
    assert not admin.is_superuser
    assert (on_root.status_code, password.status_code) == (403, 403)


def test_what_has_expired_is_swept(rows):
    later = timezone.now() + timedelta(days=90)

    assert services.sweep(now=later) == {
        "registrations": 0,
        "codes": 1,
        "request counts": 1,
        "email changes": 1,
        "sessions": 1,
        "sessions of the admin site": 0,
        "lines of the admin log": 0,
    }


def test_the_sweep_is_a_command_too(rows, capsys):
    call_command("sweep_accounts")

    assert "codes: 0 deleted" in capsys.readouterr().out


def test_the_admins_door_counts_wrong_passwords_with_those_of_the_api(client, settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "password": "2/15min"}
    boss = UserFactory(username="boss", is_staff=True, is_superuser=True)

    client.post("/accounts/login/", {"username": "boss", "password": "x"})
    browser = Client()
    browser.post("/admin/login/", {"username": "boss", "password": "x"})
    refused = browser.post("/admin/login/", {"username": boss.username, "password": PASSWORD})

    assert "Too many wrong passwords" in refused.content.decode()
    assert "_auth_user_id" not in browser.session


def test_a_staff_account_whose_email_is_not_verified_does_not_enter_the_admin_site():
    boss = StaffFactory(role="admin", email_verified_at=None)
    browser, form = Client(), {"username": boss.username, "password": PASSWORD}

    refused = browser.post("/admin/login/", form)

    assert "Please enter the correct" in refused.content.decode()
    assert "_auth_user_id" not in browser.session
    User.objects.filter(pk=boss.pk).update(email_verified_at=timezone.now())
    assert browser.post("/admin/login/", form).status_code == 302
