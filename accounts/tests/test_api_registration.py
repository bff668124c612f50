"""Registering, the code in the mail, and what an unverified registration is worth."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts import services
from accounts.models import Otp, OtpPurpose, OtpRequestCount, User
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.mailbox import code_mailed_to, last_mail_to, link_mailed_to, wrong

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

ANN = {"username": "ann", "email": "ann@example.com", "password": PASSWORD}
DOORS = ["/accounts/register", "/accounts/users", "/register", "/users"]


def register(client, path="/accounts/register/", **changes):
    return client.post(path, {**ANN, **changes})


def log_in(client, login="ann", password=PASSWORD):
    return client.post("/accounts/login/", {"username": login, "password": password})


def verify(client, otp, email="ann@example.com"):
    return client.post("/accounts/verify-otp/", {"email": email, "otp": otp})


@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("door", DOORS)
def test_a_registration_is_answered_on_the_envelopes_face(client, door, slash):
    response = register(client, f"/api{door}{slash}", re_password=PASSWORD, first_name="Ann")

    assert response.status_code == 201
    user = User.objects.get()
    assert response.json() == {
        "success": True,
        "message": "Registered. A code was mailed to verify the address.",
        "data": {
            "id": user.pk,
            "username": "ann",
            "email": "ann@example.com",
            "first_name": "Ann",
            "last_name": "",
        },
    }
    assert user.email_verified_at is None
    assert [group.name for group in user.groups.all()] == ["customer"]


@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("door", DOORS)
def test_a_registration_is_answered_plainly(client, door, slash):
    response = register(client, f"{door}{slash}")

    assert response.status_code == 201
    assert response.json()["username"] == "ann"


def test_registering_ignores_a_bad_token(client):
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")

    assert [register(client, f"{door}/").status_code for door in DOORS] == [201] * 4


def test_there_is_no_login_before_the_code_and_one_after_it(client):
    register(client)
    before = log_in(client)

    answer = verify(client, code_mailed_to("ann@example.com"))

    assert before.status_code == 401
    assert before.json()["code"] == "invalid_credentials"
    assert answer.status_code == 200
    assert log_in(client).status_code == 200
    assert log_in(client, "ANN@Example.com").status_code == 200


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_code_verifies_on_both_faces(client, prefix, slash):
    register(client)

    response = client.post(
        f"{prefix}/accounts/verify-otp{slash}",
        {"email": "ANN@example.com", "otp": code_mailed_to("ann@example.com")},
    )

    assert response.status_code == 200
    assert User.objects.get().email_verified_at is not None


def test_the_mail_names_the_username_and_carries_code_and_link(client):
    register(client)

    body = last_mail_to("ann@example.com").body

    assert "ann" in body.split("username ")[1].split()[0]
    assert code_mailed_to("ann@example.com")
    assert "http://localhost:3000/activate/" in body


def test_the_code_is_kept_as_a_keyed_hash_only(client):
    register(client)

    otp = Otp.objects.get()

    assert code_mailed_to("ann@example.com") not in str(otp.__dict__)
    assert len(otp.code_hash) == 64


def test_a_code_may_be_a_number_that_lost_its_leading_zeros(client):
    register(client)
    user = User.objects.get()
    for _ in range(200):
        code = make_code(user)
        if code.startswith("0"):
            break

    assert verify(client, int(code)).status_code == 200


def make_code(user):
    return services.otps.transactions.run(
        lambda: services.make_code(
            user=user, purpose="activation", email=user.email, now=timezone.now()
        )
    )


@pytest.mark.parametrize("otp", ["12345", "1234567", "abcdef", True, 1.5, -1, 10**6, None, ["1"]])
def test_what_is_no_code_is_malformed(client, otp):
    register(client)

    assert verify(client, otp).status_code == 400
    assert Otp.objects.get().tries == 0


def test_a_code_is_good_once(client):
    register(client)
    code = code_mailed_to("ann@example.com")
    verify(client, code)

    again = client.post("/api/accounts/verify-otp/", {"email": "ann@example.com", "otp": code})

    assert again.status_code == 400
    assert again.json()["code"] == "invalid_otp"


def test_a_code_dies_after_five_wrong_tries(client):
    register(client)
    code = code_mailed_to("ann@example.com")
    for _ in range(5):
        assert verify(client, wrong(code)).status_code == 400

    assert verify(client, code).status_code == 400
    assert User.objects.get().email_verified_at is None


def test_the_fifth_try_may_be_the_right_one(client):
    register(client)
    code = code_mailed_to("ann@example.com")
    for _ in range(4):
        verify(client, wrong(code))

    assert verify(client, code).status_code == 200


def test_a_code_is_good_for_five_minutes(client):
    register(client)
    code = code_mailed_to("ann@example.com")
    Otp.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert verify(client, code).status_code == 400


def test_a_new_code_kills_the_old_one(client):
    register(client)
    old = code_mailed_to("ann@example.com")

    assert client.post("/accounts/resend-otp/", {"email": "Ann@example.com"}).status_code == 200

    new = code_mailed_to("ann@example.com")
    assert Otp.objects.count() == 1
    if old != new:
        assert verify(client, old).status_code == 400
    assert verify(client, new).status_code == 200


def test_a_code_for_a_new_password_verifies_nothing(client):
    register(client)
    client.post("/accounts/forgot-password/", {"email": "ann@example.com"})
    reset_code = code_mailed_to("ann@example.com")
    Otp.objects.filter(purpose="activation").delete()

    assert verify(client, reset_code).status_code == 400
    assert User.objects.get().email_verified_at is None


def test_a_username_is_made_from_the_email(client):
    UserFactory(username="jo.doe", email="other@example.com")

    free = client.post("/register/", {"email": "amy+shop@example.com", "password": PASSWORD})
    taken = client.post("/register/", {"email": "jo.doe@example.com", "password": PASSWORD})

    assert free.json()["username"] == "amy+shop"
    assert taken.json()["username"].startswith("jo.doe-")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"re_password": "another one"}, "re_password"),
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "ann@example.com"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"username": "a@b"}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"email": "nonsense"}, "email"),
        ({"email": "x" * 250 + "@example.com"}, "email"),
        ({"email": None}, "email"),
        ({"first_name": "x" * 151}, "first_name"),
        ({"first_name": "nul\x00"}, "first_name"),
    ],
)
def test_a_bad_registration_makes_nothing(client, changes, field):
    response = register(client, **changes)

    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert not User.objects.exists()
    assert mail.outbox == []


def test_privileges_in_the_body_are_not_given(client):
    register(client, is_staff=True, is_superuser=True, email_verified_at="2020-01-01", groups=[1])

    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.email_verified_at) == (False, False, None)


def test_a_taken_name_or_address_says_so_whatever_its_case(client):
    UserFactory(username="Ann", email="someone@example.com")
    UserFactory(username="bob", email="Ann@Example.com")

    name = client.post("/api/register/", {**ANN, "email": "new@example.com"})
    address = client.post("/api/register/", {**ANN, "username": "new"})

    assert (name.status_code, name.json()["code"]) == (400, "username_taken")
    assert name.json()["errors"]["username"][0]["code"] == "username_taken"
    assert (address.status_code, address.json()["code"]) == (400, "email_taken")
    assert User.objects.count() == 2
    assert mail.outbox == []


def test_a_deactivated_account_keeps_its_address(client):
    UserFactory(email="ann@example.com", email_verified_at=None, is_active=False)

    assert register(client).json() == {"email": ["A user with that email already exists."]}


def test_a_new_registration_of_an_address_replaces_the_unverified_one(client):
    register(client, username="first", first_name="First")
    old_code = code_mailed_to("ann@example.com")
    old_link = link_mailed_to("ann@example.com")

    response = register(client, email="ANN@example.com", password="another horse battery")

    user = User.objects.get()
    assert response.status_code == 201
    assert (user.username, user.first_name, user.email) == ("ann", "", "ANN@example.com")
    assert user.check_password("another horse battery")
    new_code = code_mailed_to("ANN@example.com")
    if old_code != new_code:
        assert verify(client, old_code).status_code == 400
    uid, token = old_link
    assert client.post("/auth/users/activation/", {"uid": uid, "token": token}).status_code == 400
    assert verify(client, new_code).status_code == 200


def test_an_unverified_registration_gives_its_username_to_whoever_wants_it(client):
    register(client)

    response = register(client, email="other@example.com")

    assert response.status_code == 201
    assert User.objects.get(username="ann").email == "other@example.com"
    assert User.objects.get(email="ann@example.com").username.startswith("ann-")


def test_a_registration_is_dead_after_24_hours(client):
    register(client)
    code = code_mailed_to("ann@example.com")
    uid, token = link_mailed_to("ann@example.com")
    User.objects.update(date_joined=timezone.now() - timedelta(hours=24))
    mail.outbox.clear()

    by_code = verify(client, code)
    by_link = client.post("/auth/users/activation/", {"uid": uid, "token": token})
    client.post("/accounts/resend-otp/", {"email": "ann@example.com"})
    client.post("/accounts/forgot-password/", {"email": "ann@example.com"})

    assert (by_code.status_code, by_link.status_code) == (400, 400)
    assert mail.outbox == []
    assert User.objects.get().email_verified_at is None


def test_the_sweep_deletes_dead_registrations_and_nobody_else(client):
    register(client)
    User.objects.update(date_joined=timezone.now() - timedelta(hours=25))
    register(client, username="young", email="young@example.com")
    old = timezone.now() - timedelta(days=400)
    kept = [
        UserFactory(date_joined=old),
        UserFactory(date_joined=old, email=None, email_verified_at=None),
        UserFactory(date_joined=old, email_verified_at=None, is_active=False),
    ]

    counts = services.sweep()

    assert counts["registrations"] == 1
    names = {"young", *(user.username for user in kept)}
    assert set(User.objects.values_list("username", flat=True)) == names


def test_the_sweep_deletes_a_thousand_rows_of_a_kind_at_a_time():
    long_ago = timezone.now() - timedelta(hours=3)
    times = {f"asked_at_{number}": long_ago for number in range(1, 6)}
    OtpRequestCount.objects.bulk_create(
        OtpRequestCount(purpose=OtpPurpose.ACTIVATION, address_digest=str(number), **times)
        for number in range(1001)
    )

    assert [services.sweep()["request counts"] for _ in range(3)] == [1000, 1, 0]


def test_a_count_is_swept_only_long_after_it_counts():
    start = timezone.now()
    services.request_reset_code(email="ann@example.com", now=start)

    swept = [
        services.sweep(now=start + timedelta(minutes=minutes))["request counts"]
        for minutes in (61, 119, 120)
    ]

    assert swept == [0, 0, 1]


def test_a_deactivated_account_is_not_verified(client):
    register(client)
    code = code_mailed_to("ann@example.com")
    User.objects.update(is_active=False)

    response = verify(client, code)

    assert response.json() == verify(client, code, "nobody@example.com").json()
    assert User.objects.get().email_verified_at is None


# --- How often a code may be asked for ---------------------------------------------------------


@pytest.fixture
def limits(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = dict.fromkeys(settings.THROTTLE_RATES, "10000/min")


def ask(client, email, path="/api/accounts/resend-otp/"):
    return client.post(path, {"email": email})


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
def test_codes_are_asked_for_once_a_minute_known_or_not(client, limits, email):
    UserFactory(email="ann@example.com", email_verified_at=None)

    first, second = ask(client, email), ask(client, email.upper())

    assert first.status_code == 200
    assert second.status_code == 429
    assert second.json()["code"] == "otp_cooldown"
    assert 0 < int(second["Retry-After"]) <= 60
    assert len(mail.outbox) == (1 if email == "ann@example.com" else 0)


def test_a_registration_counts_as_asking(client, limits):
    register(client)

    assert ask(client, "ann@example.com").status_code == 429
    assert register(client, username="other").status_code == 429
    assert User.objects.get().username == "ann"


def test_the_two_purposes_are_counted_apart(client, limits):
    ask(client, "ann@example.com")

    assert ask(client, "ann@example.com", "/accounts/forgot-password/").status_code == 200
    assert ask(client, "ann@example.com", "/auth/users/resend_activation/").status_code == 429


def test_codes_are_asked_for_five_times_in_any_hour(limits):
    start = timezone.now()

    def asked_at(minutes):
        try:
            services.request_reset_code(
                email="ann@example.com", now=start + timedelta(minutes=minutes)
            )
        except services.otps.OtpCooldown as error:
            return error.retry_after_seconds
        return None

    assert [asked_at(minutes) for minutes in (0, 10, 20, 30, 40)] == [None] * 5
    assert asked_at(41) == 19 * 60
    assert asked_at(60) is None
    assert asked_at(62) == 8 * 60


@pytest.mark.parametrize("content_type", ["application/json", "text/nonsense"])
def test_a_body_that_nobody_can_read_is_counted_as_a_try(client, settings, content_type):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "register": "2/hour"}

    answers = [
        client.generic("POST", "/api/accounts/users/", b"{", content_type=content_type)
        for _ in range(3)
    ]

    first = 400 if content_type == "application/json" else 415
    assert [answer.status_code for answer in answers] == [first, first, 429]
