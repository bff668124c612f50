"""A lost second factor is taken away by few, with their own one, and the grounds are kept."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import TwoFactor
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.mailbox import last_mail_to, wrong
from accounts.tests.second_factor import code_of, switch_on
from shop_backend.kernel.models import AuditEntry
from tests.client import ShopClient
from tests.faces import payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def page_of(person):
    return f"/admin/accounts/user/{person.pk}/lost-second-factor/"


def enter(user):
    """Return a browser in which somebody with a second factor has just signed in."""
    recovery_codes = switch_on(user)
    browser = Client()
    form = {"username": user.username, "password": PASSWORD, "otp": recovery_codes[0]}
    assert browser.post("/admin/login/", form).status_code == 302
    return browser


def answers(actor, **changes):
    return {"proof": "in_person", "case": "HELP-4711", "code": code_of(actor), **changes}


def grounds():
    return AuditEntry.objects.filter(action="second factor taken away")


def test_who_made_sure_of_a_person_takes_it_away_and_the_audit_log_says_how(
    django_capture_on_commit_callbacks,
):
    admin, person = StaffFactory(role="admin"), StaffFactory()
    codes = switch_on(person)
    client = ShopClient()
    body = {"username": person.username, "password": PASSWORD, "otp": codes[0]}
    access = payload_of(client.post("/api/accounts/login/", body))["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    browser = enter(admin)

    with django_capture_on_commit_callbacks(execute=True):
        done = browser.post(page_of(person), answers(admin))

    assert done.status_code == 302
    assert list(TwoFactor.objects.values_list("user", flat=True)) == [admin.pk]
    assert "is off" in last_mail_to(person.email).subject
    assert client.get("/api/accounts/user/").status_code == 401
    kept = grounds().get()
    assert (kept.actor, kept.object_kind) == (admin, "accounts.user")
    assert (kept.object_id, kept.roles) == (str(person.pk), "admin")
    assert kept.changes == {"proof": [None, "in_person"], "case": [None, "HELP-4711"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": ""},
        {"proof": "trust me"},
        {"case": ""},
        {"case": "asked Ann about 4711"},
        {"case": "Ann"},
        {"case": "4" * 41},
        {"code": ""},
    ],
)
def test_without_grounds_nothing_is_done(changes):
    admin, person = StaffFactory(role="admin"), StaffFactory()
    switch_on(person)
    browser = enter(admin)

    refused = browser.post(page_of(person), answers(admin, **changes))

    assert refused.status_code == 200
    assert TwoFactor.objects.filter(user=person).exists()
    assert not grounds().exists()


def test_a_wrong_code_of_their_own_takes_nothing_away_and_is_counted():
    admin, person = StaffFactory(role="admin"), StaffFactory()
    switch_on(person)
    browser = enter(admin)

    bad = answers(admin, code=wrong(code_of(admin)))
    refusals = [browser.post(page_of(person), bad).content.decode() for _ in range(5)]
    waiting = browser.post(page_of(person), answers(admin)).content.decode()

    assert all("is wrong, too old or was used before" in page for page in refusals)
    assert "Too many wrong codes" in waiting
    assert TwoFactor.objects.filter(user=person).exists()
    assert not grounds().exists()


def test_who_has_none_takes_none_away():
    admin, person = StaffFactory(role="admin"), StaffFactory()
    switch_on(person)
    browser = Client()
    browser.force_login(admin)

    refused = browser.post(page_of(person), answers(person)).content.decode()

    assert "switch it on first" in refused
    assert TwoFactor.objects.filter(user=person).exists()


@pytest.mark.parametrize("role", ["manager", "support", "warehouse"])
def test_no_other_role_takes_one_away(role):
    actor, person = StaffFactory(role=role), UserFactory()
    switch_on(person)
    browser = enter(actor)

    refused = browser.post(page_of(person), answers(actor))

    assert refused.status_code in {403, 404}
    assert TwoFactor.objects.filter(user=person).exists()


def test_who_may_change_people_alone_takes_none_away():
    role = Group.objects.create(name="clerk")
    role.permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    clerk, person = StaffFactory(role="clerk"), UserFactory()
    switch_on(person)
    browser = enter(clerk)

    refused = browser.post(page_of(person), answers(clerk))

    assert refused.status_code == 403
    assert TwoFactor.objects.filter(user=person).exists()


def test_an_administrator_takes_neither_a_superusers_nor_their_own_away():
    admin, root = StaffFactory(role="admin"), UserFactory(is_staff=True, is_superuser=True)
    switch_on(root)
    browser = enter(admin)

    above = browser.post(page_of(root), answers(admin))
    own = browser.post(page_of(admin), answers(admin)).content.decode()

    assert above.status_code in {403, 404}
    assert "your own second factor" in own
    assert TwoFactor.objects.count() == 2


def test_the_page_of_who_has_none_does_not_offer_it():
    admin, person, plain = StaffFactory(role="admin"), UserFactory(), UserFactory()
    switch_on(person)
    browser = enter(admin)

    offered = [
        page_of(each) in browser.get(f"/admin/accounts/user/{each.pk}/change/").content.decode()
        for each in (person, plain, admin)
    ]

    assert offered == [True, False, False]
