"""The second factor: asked for after a right password, good once, taken away by few."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts import sealing, services, totp
from accounts.errors import TooManyTwoFactorCodes, TwoFactorFailed
from accounts.models import RecoveryCode, Session, TwoFactor, User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.mailbox import last_mail_to, wrong
from accounts.tests.second_factor import code_of, switch_on
from shop_backend.kernel.models import SpentBudget
from tests.client import ShopClient
from tests.faces import code_of as refusal_of
from tests.faces import payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

DOORS = ["/api/accounts/login/", "/api/accounts/token/", "/api/auth/jwt/create/"]


def signed_in(user, **second_factor):
    client = ShopClient()
    body = {"username": user.username, "password": PASSWORD, **second_factor}
    access = payload_of(client.post("/api/accounts/login/", body))["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def log_in(door, user, **body):
    return ShopClient().post(door, {"username": user.username, "password": PASSWORD, **body})


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(moment, code):
    secret = base64.b32encode(b"12345678901234567890").decode()

    assert totp.code_at(secret, totp.step_at(datetime.fromtimestamp(moment, UTC))) == code


def test_switching_it_on_shows_a_secret_and_ten_codes_once_and_tells_by_mail():
    user = StaffFactory()
    client, elsewhere = signed_in(user), signed_in(user)

    begun = payload_of(client.post("/api/accounts/two-factor/"))
    code = totp.code_at(begun["secret"], totp.step_at(timezone.now()))
    confirmed = client.post("/api/accounts/two-factor/confirm/", {"code": code})

    assert parse_qs(urlsplit(begun["uri"]).query)["secret"] == [begun["secret"]]
    codes = payload_of(confirmed)["recovery_codes"]
    assert len(set(codes)) == 10
    assert "no-store" in confirmed.headers["Cache-Control"]
    assert payload_of(client.get("/api/accounts/two-factor/")) == {
        "is_on": True,
        "is_required": False,
        "recovery_codes_left": 10,
    }
    assert "is on" in last_mail_to(user.email).subject
    assert elsewhere.get("/api/accounts/user/").status_code == 401
    kept = "".join(RecoveryCode.objects.values_list("code_hash", flat=True))
    kept += TwoFactor.objects.get().sealed_secret
    assert not any(secret in kept for secret in (begun["secret"], *codes))


def test_until_a_code_is_confirmed_nothing_is_asked_for():
    user = StaffFactory()
    client = signed_in(user)
    client.post("/api/accounts/two-factor/")

    refused = client.post("/api/accounts/two-factor/confirm/", {"code": wrong(code_of(user))})

    assert (refused.status_code, refusal_of(refused)) == (400, "invalid_two_factor_code")
    assert log_in(DOORS[0], user).status_code == 200


def test_it_is_not_begun_over_one_that_is_on():
    user = StaffFactory()
    client = signed_in(user)
    switch_on(user)
    client = signed_in(user, otp=code_of(user))
    before = TwoFactor.objects.get().sealed_secret

    for path in ["", "confirm/"]:
        refused = client.post(f"/api/accounts/two-factor/{path}", {"code": "000000"})
        assert refusal_of(refused) == "two_factor_already_on"

    assert TwoFactor.objects.get().sealed_secret == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("field", ["otp", "code"])
def test_every_door_asks_for_the_code_after_a_right_password(door, field):
    user = StaffFactory()
    switch_on(user)
    prefix = "/api" if "auth" not in door else ""

    asked = log_in(door, user)
    failed = log_in(door, user, **{field: wrong(code_of(user))})
    let_in = log_in(door, user, **{field: code_of(user)})

    assert (asked.status_code, refusal_of(asked, prefix)) == (401, "two_factor_required")
    assert (failed.status_code, refusal_of(failed, prefix)) == (401, "two_factor_failed")
    assert let_in.status_code == 200
    assert Session.objects.count() == 1


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_password_is_told_nothing_of_the_second_factor(door):
    guarded, plain = StaffFactory(), StaffFactory()
    switch_on(guarded)

    answers = [
        ShopClient().post(door, {"username": user.username, "password": "x", "otp": "000000"})
        for user in (guarded, plain)
    ]

    assert answers[0].content == answers[1].content
    assert "invalid_credentials" in answers[0].content.decode()


@pytest.mark.parametrize("tolerance", [0, 1])
def test_a_code_is_good_in_its_half_minute_and_as_many_beside_it_as_are_set(settings, tolerance):
    settings.TOTP_TOLERANCE_STEPS = tolerance
    user, now = StaffFactory(), datetime(2026, 3, 1, 12, 0, 29, 999_999, UTC)
    switch_on(user)

    good = {
        steps for steps in range(-2, 3) if is_good(code_of(user, now=now, steps=steps), user, now)
    }

    assert good == set(range(-tolerance, tolerance + 1))


def is_good(code, user, now):
    TwoFactor.objects.filter(user=user).update(last_step=0)
    try:
        services.require_second_factor(user=user, code=code, now=now)
    except TwoFactorFailed:
        return False
    return True


def test_a_code_that_came_too_late_is_refused_and_the_next_one_is_good(settings):
    settings.TOTP_TOLERANCE_STEPS = 0
    user, shown_at = StaffFactory(), datetime(2026, 3, 1, 12, 0, 29, tzinfo=UTC)
    switch_on(user)
    sent_at = shown_at + timedelta(seconds=1)

    with pytest.raises(TwoFactorFailed):
        services.require_second_factor(user=user, code=code_of(user, now=shown_at), now=sent_at)
    services.require_second_factor(user=user, code=code_of(user, now=sent_at), now=sent_at)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_works_once_and_so_do_those_before_it(settings, steps):
    settings.TOTP_TOLERANCE_STEPS = 1
    user, now = StaffFactory(), timezone.now()
    switch_on(user)
    code = code_of(user, now=now, steps=steps)

    services.require_second_factor(user=user, code=code, now=now)

    for late in (code, code_of(user, now=now, steps=-1)):
        with pytest.raises(TwoFactorFailed):
            services.require_second_factor(user=user, code=late, now=now)


def test_after_five_wrong_codes_even_a_right_one_waits():
    user = StaffFactory()
    switch_on(user)
    bad = wrong(code_of(user))

    refusals = [refusal_of(log_in(DOORS[0], user, otp=bad)) for _ in range(5)]
    waiting = log_in(DOORS[0], user, otp=code_of(user))

    assert refusals == ["two_factor_failed"] * 5
    assert (waiting.status_code, refusal_of(waiting)) == (429, "too_many_two_factor_codes")
    assert 0 < int(waiting.headers["Retry-After"]) <= 360


def test_a_right_code_makes_the_wrong_ones_forgotten():
    user = StaffFactory()
    switch_on(user)
    for _ in range(4):
        log_in(DOORS[0], user, otp=wrong(code_of(user)))

    assert log_in(DOORS[0], user, otp=code_of(user)).status_code == 200
    assert not SpentBudget.objects.filter(pk__startswith="second factor").exists()


def test_a_recovery_code_stands_in_once_however_it_is_typed():
    user = StaffFactory()
    codes = switch_on(user)

    assert log_in(DOORS[0], user, otp=codes[0].upper()).status_code == 200
    assert refusal_of(log_in(DOORS[0], user, otp=codes[0])) == "two_factor_failed"
    assert log_in(DOORS[0], user, otp=codes[1].replace("-", " ")).status_code == 200
    assert services_state(user) == 8


def services_state(user):
    return RecoveryCode.objects.filter(factor__user=user, used_at=None).count()


def test_another_persons_codes_are_no_use():
    one, other = StaffFactory(), StaffFactory()
    codes = switch_on(one)
    switch_on(other)

    for code in (codes[0], code_of(one)):
        assert refusal_of(log_in(DOORS[0], other, otp=code)) == "two_factor_failed"


def test_renewed_recovery_codes_void_the_old_ones():
    user = StaffFactory()
    client = signed_in(user)
    old = switch_on(user)
    client = signed_in(user, otp=old[0])

    path = "/api/accounts/two-factor/recovery-codes/"
    refused = client.post(path, {"password": "x", "code": code_of(user)})
    renewed = payload_of(client.post(path, {"password": PASSWORD, "code": code_of(user)}))

    assert refusal_of(refused) == "invalid_password"
    assert refusal_of(log_in(DOORS[0], user, otp=old[1])) == "two_factor_failed"
    assert log_in(DOORS[0], user, otp=renewed["recovery_codes"][0]).status_code == 200


def test_switching_it_off_needs_password_and_code_and_is_told_by_mail():
    user = StaffFactory()
    codes = switch_on(user)
    client, elsewhere = signed_in(user, otp=codes[0]), signed_in(user, otp=codes[1])
    path = "/api/accounts/two-factor/switch-off/"

    refusals = [
        refusal_of(client.post(path, {"password": "x", "code": code_of(user)})),
        refusal_of(client.post(path, {"password": PASSWORD, "code": wrong(code_of(user))})),
    ]
    still_on = TwoFactor.objects.filter(user=user).exists()
    done = client.post(path, {"password": PASSWORD, "code": code_of(user)})

    assert refusals == ["invalid_password", "invalid_two_factor_code"]
    assert still_on
    assert done.status_code == 200
    assert not TwoFactor.objects.exists()
    assert "is off" in last_mail_to(user.email).subject
    assert log_in(DOORS[0], user).status_code == 200
    assert elsewhere.get("/api/accounts/user/").status_code == 401


@pytest.mark.parametrize("path", ["recovery-codes/", "switch-off/", "confirm/"])
def test_without_one_there_is_nothing_to_change(path):
    client = signed_in(StaffFactory())

    body = {"password": PASSWORD, "code": "000000"}
    refused = client.post(f"/api/accounts/two-factor/{path}", body)

    assert (refused.status_code, refusal_of(refused)) == (409, "two_factor_not_on")


def test_a_new_password_does_not_switch_it_off():
    user = StaffFactory()
    switch_on(user)
    user.set_password("a new horse battery")
    user.save()

    asked = log_in(DOORS[0], user, password="a new horse battery")

    assert refusal_of(asked) == "two_factor_required"


def test_the_secret_and_the_codes_outlive_a_rotation_of_the_key(settings):
    user = StaffFactory()
    codes = switch_on(user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-more-than-thirty-two-characters"

    services.require_second_factor(user=user, code=code_of(user), now=timezone.now())
    services.require_second_factor(user=user, code=codes[0], now=timezone.now())

    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(sealing.BrokenSeal):
        code_of(user)


@pytest.fixture
def after_a_lost_key(settings):
    """Somebody's second factor, whose key the settings no longer name."""
    user = StaffFactory(role="admin")
    codes = switch_on(user)
    was_right = code_of(user)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "z" * 50, []
    return user, was_right, codes[0]


@pytest.mark.parametrize("door", [*DOORS, "/admin/login/"])
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_where_the_key_is_lost_every_code_is_a_wrong_one(after_a_lost_key, caplog, door, kind):
    user, was_right, recovery = after_a_lost_key
    code = was_right if kind == "app" else recovery
    sealed = TwoFactor.objects.get().sealed_secret

    if door == "/admin/login/":
        _, answer = enter(user, otp=code)
        assert "is wrong, too old or was used before" in answer.content.decode()
    else:
        answer = log_in(door, user, otp=code)
        told = (answer.status_code, answer.json()["code"])
        assert told == (401, "two_factor_failed")

    assert SpentBudget.objects.filter(key=f"second factor of user {user.pk}").exists()
    said = [record for record in caplog.records if record.name.startswith("accounts")]
    lines = [(line.levelname, line.exc_info) for line in said]
    assert lines == ([("ERROR", None)] if kind == "app" else [])
    assert not any(secret in caplog.text for secret in (code, sealed, user.username))


@pytest.mark.parametrize("path", ["recovery-codes", "switch-off"])
def test_where_the_key_is_lost_nothing_is_changed_by_a_code(after_a_lost_key, path):
    user, was_right, _ = after_a_lost_key
    client = ShopClient()
    client.sign_in(User.objects.get(pk=user.pk))

    body = {"password": PASSWORD, "code": was_right}
    refused = client.post(f"/api/accounts/two-factor/{path}/", body)

    assert (refused.status_code, refusal_of(refused)) == (400, "invalid_two_factor_code")
    assert TwoFactor.objects.filter(user=user).confirmed().exists()


def test_what_was_begun_before_the_key_was_lost_is_begun_anew(settings):
    user = UserFactory()
    client = signed_in(user)
    client.post("/api/accounts/two-factor/")
    code = code_of(user)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "z" * 50, []
    client = signed_in(user)

    refused = client.post("/api/accounts/two-factor/confirm/", {"code": code})
    client.post("/api/accounts/two-factor/")
    confirmed = client.post("/api/accounts/two-factor/confirm/", {"code": code_of(user)})

    assert (refused.status_code, refusal_of(refused)) == (400, "invalid_two_factor_code")
    assert confirmed.status_code == 200


# --- The admin site


def enter(user, **body):
    browser = Client()
    form = {"username": user.username, "password": PASSWORD, **body}
    return browser, browser.post("/admin/login/", form)


def test_the_admin_sites_door_asks_for_it_too():
    user = StaffFactory(role="admin")
    switch_on(user)

    _, asked = enter(user)
    _, failed = enter(user, otp=wrong(code_of(user)))
    browser, let_in = enter(user, otp=code_of(user))

    assert "This account has a second factor" in asked.content.decode()
    assert 'name="otp"' in asked.content.decode()
    assert "is wrong, too old or was used before" in failed.content.decode()
    assert let_in.status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_wrong_codes_at_the_admins_door_count_with_those_of_the_api():
    user = StaffFactory(role="admin")
    switch_on(user)
    for _ in range(5):
        log_in(DOORS[0], user, otp=wrong(code_of(user)))

    browser, refused = enter(user, otp=code_of(user))

    assert "Too many wrong codes" in refused.content.decode()
    assert "_auth_user_id" not in browser.session


def test_nobody_sees_a_secret_in_the_admin():
    admin, colleague = StaffFactory(role="admin"), StaffFactory()
    switch_on(colleague)
    browser, _ = enter(admin)
    factor = TwoFactor.objects.get()

    page = browser.get(f"/admin/accounts/twofactor/{factor.pk}/change/").content.decode()

    assert factor.sealed_secret not in page
    assert sealing.unseal(factor.sealed_secret) not in page


# --- Roles that demand it


@pytest.fixture
def _managers_need_one(settings):
    settings.TWO_FACTOR_ROLES = ["manager", "admin"]


@pytest.mark.usefixtures("_managers_need_one")
def test_a_role_that_demands_it_counts_only_with_it():
    manager = StaffFactory(role="manager")
    client = signed_in(manager)

    refused = client.get("/api/accounts/users/")
    codes = switch_on(manager)
    allowed = signed_in(manager, otp=codes[0]).get("/api/accounts/users/")

    assert (refused.status_code, refusal_of(refused)) == (403, "two_factor_enrolment_required")
    assert client.get("/api/accounts/user/").status_code in {200, 401}
    assert allowed.status_code == 200


@pytest.mark.usefixtures("_managers_need_one")
@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/admin/password_change/"])
def test_the_admin_site_shows_them_the_way_to_it_and_nothing_else(path):
    manager = StaffFactory(role="manager")
    browser, _ = enter(manager)

    refused = browser.get(path)
    page = browser.get("/admin/two-factor/").content.decode()
    confirmed = browser.post(
        "/admin/two-factor/", {"code": code_of(manager), "password": PASSWORD}
    ).content.decode()

    assert refused.status_code == 403
    assert "two_factor_enrolment_required" in refused.content.decode()
    assert all("/static/unfold/" in each for each in (refused.content.decode(), page, confirmed))
    assert sealing.unseal(TwoFactor.objects.get().sealed_secret) in page
    assert "Keep these recovery codes" in confirmed
    assert browser.get("/admin/").status_code == 200


@pytest.mark.usefixtures("_managers_need_one")
def test_a_superuser_counts_as_an_admin_and_other_roles_go_on():
    root = UserFactory(is_staff=True, is_superuser=True)
    support = StaffFactory(role="support")

    assert not root.has_perm("accounts.view_user")
    assert support.has_perm("accounts.view_user")
    assert signed_in(root).get("/api/accounts/users/").status_code == 403


def test_a_try_that_waits_is_not_compared():
    user, now = StaffFactory(), timezone.now()
    switch_on(user)
    for _ in range(5):
        with pytest.raises(TwoFactorFailed):
            services.require_second_factor(user=user, code=wrong(code_of(user, now=now)), now=now)

    later = now + timedelta(seconds=1)
    with pytest.raises(TooManyTwoFactorCodes):
        services.require_second_factor(user=user, code=code_of(user, now=now), now=later)

    assert TwoFactor.objects.get().last_step == 0
