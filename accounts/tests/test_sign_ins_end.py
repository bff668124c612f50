"""What ends a sign-in counts at the next request, on the API and on the admin site alike."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.mailbox import code_mailed_to, last_mail_to
from accounts.tests.second_factor import code_of, switch_on
from tests.client import ShopClient
from tests.faces import code_of as refusal_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

NEW_PASSWORD = "a lantern and a ladder"


def api_of(user):
    client = ShopClient()
    client.sign_in(user)
    return client


def browser_of(user):
    browser = Client()
    browser.force_login(user)
    return browser


def log_out_everywhere(user):
    api_of(user).post("/api/accounts/logout/", {"all": True})


def change_password(user):
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert api_of(user).post("/api/accounts/change-password/", body).status_code == 200


def deactivate(user):
    services.set_active(user=user, actor=StaffFactory(role="admin"), is_active=False)


def switch_the_second_factor_on(user):
    switch_on(user)


ENDS = [log_out_everywhere, change_password, deactivate, switch_the_second_factor_on]


@pytest.mark.parametrize("end", ENDS)
def test_a_sign_in_is_dead_at_the_next_request_everywhere(end):
    user = StaffFactory(role="manager")
    api, browser = api_of(user), browser_of(user)
    assert api.get("/api/accounts/user/").status_code == 200
    assert browser.get("/admin/").status_code == 200

    end(User.objects.get(pk=user.pk))

    assert api.get("/api/accounts/user/").status_code == 401
    assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize("end", ENDS)
def test_finding_out_that_it_is_dead_costs_the_one_query_that_reads_the_user(
    end, django_assert_num_queries
):
    user = UserFactory()  # the writes of staff are recorded, which costs more
    api = api_of(user)
    with django_assert_num_queries(1):
        assert api.post("/accounts/logout/", {}).status_code == 400
    end(User.objects.get(pk=user.pk))

    with django_assert_num_queries(1):
        assert api.post("/accounts/logout/", {}).status_code == 401


def test_a_role_taken_away_or_given_counts_at_the_next_request():
    user = StaffFactory(role="manager")
    api, browser = api_of(user), browser_of(user)
    assert api.get("/api/accounts/users/").status_code == 200

    user.groups.clear()
    without = api.get("/api/accounts/users/").status_code
    page = browser.get("/admin/catalog/product/").status_code
    user.groups.add(Group.objects.get(name="support"))
    again = api.get("/api/accounts/users/").status_code

    assert (without, page, again) == (403, 403, 200)


def test_a_role_taken_away_costs_no_query_beyond_the_users_row(django_assert_num_queries):
    user = StaffFactory(role="manager")
    api = api_of(user)
    user.groups.clear()

    with django_assert_num_queries(1):
        assert api.get("/api/accounts/users/").status_code == 403


def reset_password_by_code(user):
    client = ShopClient()
    client.post("/api/accounts/forgot-password/", {"email": user.email})
    body = {"email": user.email, "otp": code_mailed_to(user.email), "new_password": NEW_PASSWORD}
    assert client.post("/api/accounts/reset-password/", body).status_code == 200


@pytest.mark.parametrize("end", [*ENDS, reset_password_by_code])
def test_a_new_email_that_a_thief_asked_for_dies_with_the_sign_ins(end):
    user = UserFactory(email="owner@example.com")
    thief = api_of(user)
    assert thief.patch("/api/accounts/user/", {"email": "thief@example.com"}).status_code == 200
    code = code_mailed_to("thief@example.com")

    end(User.objects.get(pk=user.pk))
    User.objects.filter(pk=user.pk).update(is_active=True)

    stranger = ShopClient()
    body = {"email": "thief@example.com", "otp": code}
    answer = stranger.post("/api/accounts/verify-otp/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_otp")
    user.refresh_from_db()
    assert user.email == "owner@example.com"


def test_signing_out_everywhere_leaves_the_code_of_a_registration_good():
    client = ShopClient()
    body = {"username": "ann", "email": "ann@example.com", "password": NEW_PASSWORD}
    assert client.post("/api/accounts/register/", body).status_code == 201

    services.revoke_sessions(user=User.objects.get(username="ann"))

    body = {"email": "ann@example.com", "otp": code_mailed_to("ann@example.com")}
    assert client.post("/api/accounts/verify-otp/", body).status_code == 200


def test_the_device_that_changes_the_password_stays_signed_in():
    user = UserFactory()
    api = api_of(user)
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}

    api.post("/api/accounts/change-password/", body)

    assert api.get("/api/accounts/user/").status_code == 200


def test_a_session_ends_thirty_days_after_its_login_however_often_it_is_refreshed():
    user, login = UserFactory(), timezone.now()
    pair = services.open_session(user=user, device=services.Device(), rotates=True)
    token = pair.refresh
    for days in (10, 20, 29):
        _, token = services.refresh(refresh_token=token, now=login + timedelta(days=days))

    assert Session.objects.get().expires_at - Session.objects.get().created_at == timedelta(30)


# --- The admin site


def change_own_password(browser, old=PASSWORD):
    body = {"old_password": old, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    return browser.post("/admin/password_change/", body)


def test_a_password_changed_on_the_admin_site_ends_the_other_sign_ins_and_is_told_by_mail(
    django_capture_on_commit_callbacks,
):
    user = StaffFactory(role="manager", email="meg@example.com")
    here, there, api = browser_of(user), browser_of(user), api_of(user)

    with django_capture_on_commit_callbacks(execute=True):
        answer = change_own_password(here)

    assert answer.status_code == 302
    assert here.get("/admin/").status_code == 200
    assert there.get("/admin/").status_code == 302
    assert api.get("/api/accounts/user/").status_code == 401
    assert "password" in last_mail_to("meg@example.com").subject


def test_wrong_old_passwords_on_the_admin_site_count_with_those_of_the_doors(settings):
    settings.RATE_LIMITS = True
    user = StaffFactory(role="manager")
    browser = browser_of(user)
    for _ in range(10):
        change_own_password(browser, old="wrong")

    answer = change_own_password(browser)

    assert "Too many wrong passwords" in answer.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def move_back(browser, **seconds_by_name):
    session = browser.session
    for name, seconds in seconds_by_name.items():
        session[name] = int(timezone.now().timestamp()) - seconds
    session.save()


def test_an_admin_session_that_nobody_uses_ends_after_an_hour():
    browser = browser_of(StaffFactory(role="manager"))
    move_back(browser, opened_at=4000, used_at=3500)
    assert browser.get("/admin/").status_code == 200
    move_back(browser, used_at=3601)

    assert browser.get("/admin/").status_code == 302
    assert "_auth_user_id" not in browser.session


def test_an_admin_session_ends_after_a_working_day_however_much_it_is_used():
    browser = browser_of(StaffFactory(role="manager"))
    move_back(browser, opened_at=12 * 3600, used_at=10)

    assert browser.get("/admin/").status_code == 302


def test_the_use_of_an_admin_session_is_noted_once_a_minute():
    browser = browser_of(StaffFactory(role="manager"))
    move_back(browser, opened_at=3600, used_at=61)

    browser.get("/admin/two-factor/")
    noted = browser.session["used_at"]

    assert noted >= int(timezone.now().timestamp()) - 5


def test_a_login_elsewhere_does_not_wake_an_admin_session_that_was_left():
    user = StaffFactory(role="manager")
    browser = Client()
    browser.post("/admin/login/", {"username": user.username, "password": PASSWORD})
    move_back(browser, opened_at=5 * 3600, used_at=5 * 3600)

    ShopClient().post("/api/accounts/login/", {"username": user.username, "password": PASSWORD})

    assert browser.get("/admin/").status_code == 302


def test_switching_the_second_factor_on_at_the_admin_site_keeps_that_session_alone():
    user = StaffFactory(role="manager")
    here, there = browser_of(user), browser_of(user)
    here.get("/admin/two-factor/")

    page = here.post("/admin/two-factor/", {"code": code_of(user), "password": PASSWORD})

    assert "Keep these recovery codes" in page.content.decode()
    assert here.get("/admin/").status_code == 200
    assert there.get("/admin/").status_code == 302


def test_the_admin_site_switches_no_second_factor_on_without_the_password():
    user = StaffFactory(role="manager")
    browser = browser_of(user)
    browser.get("/admin/two-factor/")

    for password in ["", "wrong"]:
        page = browser.post("/admin/two-factor/", {"code": code_of(user), "password": password})
        assert "recovery codes" not in page.content.decode()

    user.refresh_from_db()
    assert user.two_factor.confirmed_at is None


def test_an_admin_session_of_more_than_ten_minutes_sees_no_secret_without_the_password():
    user = StaffFactory(role="manager")
    browser, old = browser_of(user), an_old_login(user)
    browser.get("/admin/")
    move_back(browser, opened_at=11 * 60)

    asked = browser.get("/admin/two-factor/").content.decode()
    wrong = browser.post("/admin/two-factor/", {"password": "wrong"}).content.decode()
    # Nothing was begun that the API would confirm without a question.
    confirmed = old.post("/api/accounts/two-factor/confirm/", {"code": "123456"})
    begun = browser.post("/admin/two-factor/", {"password": PASSWORD}).content.decode()
    done = browser.post("/admin/two-factor/", {"code": code_of(user), "password": PASSWORD})

    assert "otpauth://" not in asked + wrong
    assert refusal_of(confirmed) == "two_factor_not_on"
    assert "otpauth://" in begun
    assert "Keep these recovery codes" in done.content.decode()


def test_wrong_passwords_there_count_with_those_of_the_doors(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "password": "2/15min"}
    user = StaffFactory(role="manager")
    browser = browser_of(user)
    browser.get("/admin/")
    move_back(browser, opened_at=11 * 60)

    for _ in range(2):
        browser.post("/admin/two-factor/", {"password": "wrong"})
    refused = browser.post("/admin/two-factor/", {"password": PASSWORD}).content.decode()

    assert "Too many wrong passwords" in refused
    assert "otpauth://" not in refused


# --- What a device that was left open may not do


def an_old_login(user):
    client = api_of(user)
    Session.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    return client


CHANGES = [
    ("patch", "/api/accounts/user/", {"email": "new@example.com"}),
    ("put", "/api/userinfo/edit/", {"email": "new@example.com"}),
    ("patch", "/api/accounts/users/{pk}/", {"email": "new@example.com"}),
    ("post", "/api/accounts/two-factor/", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_login_of_more_than_ten_minutes_needs_the_password_for_what_opens_the_account(
    method, path, body
):
    user = UserFactory()
    client = an_old_login(user)
    ask = getattr(client, method)
    path = path.format(pk=user.pk)

    without = ask(path, body)
    wrong = ask(path, {**body, "current_password": "wrong"})

    assert (without.status_code, without.json()["code"]) == (400, "password_required")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_password")
    assert not hasattr(User.objects.get(pk=user.pk), "email_change")
    assert not hasattr(User.objects.get(pk=user.pk), "two_factor")
    assert ask(path, {**body, "current_password": PASSWORD}).status_code == 200


def test_names_are_changed_without_the_password_however_old_the_login_is():
    client = an_old_login(UserFactory())

    assert client.patch("/api/accounts/user/", {"first_name": "Ann"}).status_code == 200


def test_guesses_of_the_password_at_the_profile_are_counted(settings):
    settings.RATE_LIMITS = True
    client = an_old_login(UserFactory())
    guess = {"email": "new@example.com", "current_password": "wrong"}

    statuses = [client.patch("/api/accounts/user/", guess).status_code for _ in range(12)]

    assert statuses == [400] * 10 + [429] * 2


def test_renewed_recovery_codes_are_told_to_their_owner():
    user = UserFactory(email="ann@example.com")
    switch_on(user)
    client = api_of(User.objects.get(pk=user.pk))

    body = {"password": PASSWORD, "code": code_of(user)}
    assert client.post("/api/accounts/two-factor/recovery-codes/", body).status_code == 200

    assert "recovery codes" in last_mail_to("ann@example.com").subject


NEW_EMAIL = [
    ("patch", "/api/accounts/user/"),
    ("put", "/api/userinfo/edit/"),
    ("patch", "/api/accounts/users/{pk}/"),
]


@pytest.mark.parametrize(("method", "path"), NEW_EMAIL)
def test_with_a_second_factor_an_older_login_needs_its_code_as_well_for_a_new_email(method, path):
    user = UserFactory()
    switch_on(user)
    client = an_old_login(User.objects.get(pk=user.pk))
    body = {"email": "new@example.com", "current_password": PASSWORD}

    def told(**more):
        answer = getattr(client, method)(path.format(pk=user.pk), {**body, **more})
        return answer.status_code, answer.json().get("code")

    assert told() == (400, "two_factor_code_required")
    assert told(otp="000000") == (400, "invalid_two_factor_code")
    assert told(otp=code_of(user), current_password="wrong") == (400, "invalid_password")
    assert not hasattr(User.objects.get(pk=user.pk), "email_change")
    assert told(otp=code_of(user))[0] == 200
    assert hasattr(User.objects.get(pk=user.pk), "email_change")


def test_djosers_route_asks_for_the_code_as_well():
    user = UserFactory()
    switch_on(user)
    client = an_old_login(User.objects.get(pk=user.pk))
    body = {"email": "new@example.com", "current_password": PASSWORD}

    refused = client.patch("/auth/users/me/", body)

    assert (refused.status_code, list(refused.json())) == (400, ["otp"])
    assert client.patch("/auth/users/me/", {**body, "otp": code_of(user)}).status_code == 200


def test_within_ten_minutes_of_a_login_with_both_nothing_more_is_asked():
    user = UserFactory()
    switch_on(user)
    client = api_of(User.objects.get(pk=user.pk))

    assert client.patch("/api/accounts/user/", {"email": "new@example.com"}).status_code == 200


@pytest.mark.parametrize("door", ["accounts/login/", "accounts/token/", "auth/jwt/create/"])
def test_a_login_ends_the_session_whose_refresh_token_it_brings(door):
    user = UserFactory()
    before = services.open_session(user=user, device=services.Device(), rotates=True)
    elsewhere = services.open_session(user=user, device=services.Device(), rotates=True)
    body = {"username": user.username, "password": PASSWORD, "refresh": before.refresh}

    refused = ShopClient().post(f"/{door}", {**body, "password": "wrong"})
    still = Session.objects.filter(revoked_at=None).count()
    answer = ShopClient().post(f"/{door}", body)

    assert (refused.status_code, still, answer.status_code) == (401, 2, 200)
    assert is_good(elsewhere.access)
    assert not is_good(before.access)
    assert is_good(answer.json()["access"])


@pytest.mark.parametrize("token", ["", "no token", "a.b.c"])
def test_a_login_ignores_a_token_that_is_none(token):
    user = UserFactory()
    body = {"username": user.username, "password": PASSWORD, "refresh": token}

    assert ShopClient().post("/api/accounts/login/", body).status_code == 200


def is_good(access):
    client = ShopClient(headers={"Authorization": f"Bearer {access}"})
    return client.get("/api/accounts/user/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/accounts/user/", "/api/accounts/users/{}/", "/auth/users/me/"]
)
@pytest.mark.parametrize("further", [{}, {"otp": "123456"}])
def test_a_new_email_may_come_with_a_version_a_password_and_a_code(path, further):
    user = UserFactory()
    body = {"email": "new@example.com", "current_password": PASSWORD, **further}

    answer = api_of(user).patch(path.format(user.pk), body, HTTP_IF_MATCH="*")

    assert answer.status_code == 200
