"""Staff reach no further than their own rights, by the API and by the forms of the admin site."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import services
from accounts.errors import ProtectedAccount
from accounts.models import EmailChange, Otp, OtpRequestCount, Session, TwoFactor, User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.second_factor import code_of, switch_on
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

ROLES = ["support", "warehouse", "manager", "admin"]


@pytest.fixture
def clerk():
    """Somebody whose own role lets them change accounts, and do nothing else."""
    role = Group.objects.create(name="clerk")
    names = ["view_user", "change_user", "reset_twofactor", "view_session", "change_session"]
    role.permissions.set(Permission.objects.filter(codename__in=names))
    return StaffFactory(role="clerk")


def browser_of(user):
    browser = Client()
    browser.force_login(user)
    return browser


def api_of(user):
    client = ShopClient()
    client.force_authenticate(User.objects.get(pk=user.pk))
    return client


def form_of(user, **changes):
    return {"username": user.username, "is_active": "on", "first_name": "", **changes}


def group(name):
    return Group.objects.get(name=name).pk


def rights(user):
    fresh = User.objects.get(pk=user.pk)
    return fresh.is_staff, fresh.is_superuser, sorted(fresh.get_all_permissions())


@pytest.mark.parametrize("role", ["support", "warehouse", "manager"])
@pytest.mark.parametrize("target", ["self", "customer", "admin", "superuser"])
def test_a_role_without_people_changes_nobodys_rights_by_the_form(role, target):
    actor = StaffFactory(role=role)
    person = {
        "self": lambda: actor,
        "customer": UserFactory,
        "admin": lambda: StaffFactory(role="admin"),
        "superuser": lambda: UserFactory(is_staff=True, is_superuser=True),
    }[target]()
    before = rights(person)
    every = list(Permission.objects.values_list("pk", flat=True))
    form = form_of(person, is_staff="on", is_superuser="on", groups=[group("admin")])

    browser = browser_of(actor)
    answer = browser.post(
        f"/admin/accounts/user/{person.pk}/change/", {**form, "user_permissions": every}
    )
    password = browser.post(f"/admin/accounts/user/{person.pk}/password/", {})

    assert (answer.status_code, password.status_code) == (403, 403)
    assert rights(person) == before


def test_an_admin_gives_the_shops_roles_but_neither_superuser_nor_single_rights():
    admin, person = StaffFactory(role="admin"), UserFactory()
    every = list(Permission.objects.values_list("pk", flat=True))
    form = form_of(person, is_staff="on", is_superuser="on", groups=[group("manager")])

    browser_of(admin).post(
        f"/admin/accounts/user/{person.pk}/change/", {**form, "user_permissions": every}
    )

    person = User.objects.get(pk=person.pk)
    assert not person.is_superuser
    assert not person.user_permissions.exists()
    assert [found.name for found in person.groups.all()] == ["manager"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("to", ["self", "customer"])
def test_nobody_gives_a_role_with_rights_that_they_lack(clerk, role, to):
    person = clerk if to == "self" else UserFactory()
    before = rights(person)

    answer = browser_of(clerk).post(
        f"/admin/accounts/user/{person.pk}/change/",
        form_of(person, is_staff="on", groups=[group("clerk"), group(role)]),
    )

    assert answer.status_code == 200
    assert "You cannot give rights that you lack" in answer.content.decode()
    assert rights(person) == before


def test_a_role_that_is_there_stays_when_somebody_lesser_saves_the_form(clerk):
    other = StaffFactory(role="clerk")

    answer = browser_of(clerk).post(
        f"/admin/accounts/user/{other.pk}/change/",
        form_of(other, is_staff="on", groups=[group("clerk")], first_name="Ann"),
    )

    assert answer.status_code == 302
    assert User.objects.get(pk=other.pk).first_name == "Ann"


@pytest.mark.parametrize("role", [*ROLES, "superuser"])
@pytest.mark.parametrize("is_active", [True, False])
def test_an_account_with_more_rights_is_out_of_reach(clerk, role, is_active):
    person = (
        UserFactory(is_staff=True, is_superuser=True, is_active=is_active)
        if role == "superuser"
        else StaffFactory(role=role, is_active=is_active)
    )
    browser, before = browser_of(clerk), person.password
    new = {"usable_password": "true", "password1": "a new horse battery"}
    new["password2"] = new["password1"]

    form = browser.post(f"/admin/accounts/user/{person.pk}/change/", form_of(person))
    password = browser.post(f"/admin/accounts/user/{person.pk}/password/", new)
    for action in ("activate", "deactivate", "end_sessions"):
        browser.post("/admin/accounts/user/", {"action": action, "_selected_action": [person.pk]})
    api = api_of(clerk).patch(f"/api/accounts/users/{person.pk}/", {"is_active": not is_active})

    assert [form.status_code, password.status_code, api.status_code] == [403, 403, 403]
    assert api.json()["code"] == "protected_account"
    person.refresh_from_db()
    assert (person.password, person.is_active) == (before, is_active)


def test_sessions_of_somebody_above_are_not_ended_by_the_list_of_people(clerk):
    admin = StaffFactory(role="admin")
    ShopClient().post("/accounts/login/", {"username": admin.username, "password": PASSWORD})

    body = {"action": "end_sessions", "_selected_action": [admin.pk]}
    browser_of(clerk).post("/admin/accounts/user/", body)

    assert Session.objects.get().revoked_at is None


def superuser():
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.mark.parametrize("actor", ["clerk", "admin"])
@pytest.mark.parametrize("is_active", [True, False])
def test_a_session_of_somebody_above_is_not_ended_by_the_list_of_sessions(clerk, actor, is_active):
    actor = clerk if actor == "clerk" else StaffFactory(role="admin")
    above, customer = superuser(), UserFactory()
    for person in (above, customer):
        ShopClient().sign_in(person)
    User.objects.filter(pk=above.pk).update(is_active=is_active)
    every = [str(pk) for pk in Session.objects.values_list("pk", flat=True)]

    body = {"action": "revoke", "_selected_action": every}
    browser_of(actor).post("/admin/accounts/session/", body)

    assert Session.objects.get(user=above).revoked_at is None
    assert Session.objects.get(user=customer).revoked_at is not None


def test_a_superuser_ends_everybodys_sessions():
    above = superuser()
    ShopClient().sign_in(StaffFactory(role="admin"))
    pk = str(Session.objects.get().pk)

    body = {"action": "revoke", "_selected_action": [pk]}
    browser_of(above).post("/admin/accounts/session/", body)

    assert Session.objects.get().revoked_at is not None


def code_for(user):
    return Otp.objects.create(
        user=user,
        purpose="password_reset",
        email=user.email,
        code_hash="x",
        expires_at=timezone.now() + timedelta(minutes=5),
    )


def test_a_code_of_somebody_above_is_not_withdrawn():
    browser = browser_of(StaffFactory(role="admin"))
    theirs, customers = code_for(superuser()), code_for(UserFactory())
    chosen = {"action": "delete_selected", "post": "yes"}

    one = browser.post(f"/admin/accounts/otp/{theirs.pk}/delete/", {"post": "yes"})
    many = browser.post(
        "/admin/accounts/otp/", {**chosen, "_selected_action": [theirs.pk, customers.pk]}
    )

    assert (one.status_code, many.status_code) == (403, 403)
    assert Otp.objects.count() == 2
    browser.post("/admin/accounts/otp/", {**chosen, "_selected_action": [customers.pk]})
    assert list(Otp.objects.all()) == [theirs]


def test_whoever_holds_a_role_is_not_deleted_as_a_customer():
    manager = StaffFactory(role="manager", is_staff=False)
    client = ShopClient()
    client.sign_in(manager)

    answers = [
        client.delete("/api/accounts/user/", {"current_password": PASSWORD}),
        api_of(StaffFactory(role="admin")).delete(f"/api/accounts/users/{manager.pk}/"),
    ]

    assert [answer.json()["code"] for answer in answers] == ["staff_account"] * 2
    assert User.objects.get(pk=manager.pk).username == manager.username


def test_nothing_else_about_people_is_changed_in_the_admin_site():
    """Each list of accounts: what it lets an administrator do to a superuser's row."""
    request = RequestFactory().get("/")
    request.user = User.objects.get(pk=StaffFactory(role="admin").pk)
    above = superuser()
    theirs = {model: model(user=above) for model in (Session, Otp, EmailChange, TwoFactor)}
    rows = {User: above, OtpRequestCount: OtpRequestCount(), **theirs}
    lists = {
        model: shown
        for model, shown in admin.site._registry.items()
        if model._meta.app_label == "accounts"
    }

    assert lists.keys() == rows.keys()
    for model, shown in lists.items():
        assert not shown.has_change_permission(request, rows[model])
        assert not shown.has_delete_permission(request, rows[model])
        assert shown.inlines in ([], ())
    actions = {name for shown in lists.values() for name in shown.get_actions(request)}
    assert actions == {"deactivate", "activate", "end_sessions", "revoke", "delete_selected"}


def test_a_second_factor_of_somebody_above_is_not_reset(clerk):
    admin = StaffFactory(role="admin")
    switch_on(admin)
    switch_on(clerk)
    evidence = services.Evidence(services.Proof.ON_VIDEO, "HELP-7")

    with pytest.raises(ProtectedAccount):
        services.reset_two_factor_as_staff(
            user=admin, actor=clerk, evidence=evidence, code=code_of(clerk)
        )


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "groups", "user_permissions"])
@pytest.mark.parametrize("role", [*ROLES, "customer"])
def test_no_one_raises_anyone_by_the_api(role, field):
    actor = UserFactory() if role == "customer" else StaffFactory(role=role)
    person = UserFactory()
    value = [group("admin")] if field == "groups" else True
    before = rights(actor), rights(person)

    for path in [f"users/{actor.pk}", "user", f"users/{person.pk}"]:
        api_of(actor).patch(f"/api/accounts/{path}/", {field: value})
    api_of(actor).patch("/api/auth/users/me/", {field: value})

    assert (rights(actor), rights(person)) == before


@pytest.mark.parametrize("role", [*ROLES, "clerk"])
def test_what_a_role_grants_is_for_superusers_to_change(clerk, role):
    actor = clerk if role == "clerk" else StaffFactory(role=role)
    own = Group.objects.get(name=role)
    own.permissions.add(*Permission.objects.filter(content_type__app_label="auth"))
    before = own.permissions.count()
    every = list(Permission.objects.values_list("pk", flat=True))

    browser = browser_of(actor)
    answers = [
        browser.post(
            f"/admin/auth/group/{own.pk}/change/", {"name": own.name, "permissions": every}
        ),
        browser.post("/admin/auth/group/add/", {"name": "x", "permissions": every}),
        browser.post(f"/admin/auth/group/{own.pk}/delete/", {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Group.objects.get(name=role).permissions.count() == before
