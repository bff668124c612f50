"""One's own account: read, changed, moved to a new email, ended."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import EmailChange, Otp, Session, User
from accounts.ports import personal_data
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from accounts.tests.mailbox import code_mailed_to, last_mail_to, wrong
from shop_backend.kernel.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

faces = pytest.mark.parametrize("prefix", ["/api", ""])
slashes = pytest.mark.parametrize("slash", ["/", ""])


class Holder:
    """The upper floor: an app that keeps something about people."""

    def __init__(self):
        self.forgotten = []

    def export(self, *, user_id):
        return {}

    def forget(self, *, user_id):
        self.forgotten.append(user_id)


@pytest.fixture
def holder():
    holder = Holder()
    with personal_data.answered_by([holder]):
        yield holder


def bare(response):
    body = response.json()
    return body["data"] if "success" in body else body


@faces
@slashes
@pytest.mark.parametrize("path", ["/accounts/user", "/userinfo"])
def test_the_profile_shows_who_one_is(client, prefix, slash, path):
    user = StaffFactory(role="support", first_name="Sue")
    client.force_authenticate(user)

    response = client.get(f"{prefix}{path}{slash}")

    assert response.status_code == 200
    assert bare(response) == {
        "id": user.pk,
        "username": user.username,
        "email": user.email,
        "email_verified": True,
        "pending_email": None,
        "first_name": "Sue",
        "last_name": "",
        "roles": ["support"],
        "is_staff": True,
        "is_authenticated": True,
        "date_joined": bare(response)["date_joined"],
    }
    again = client.get(f"{prefix}{path}{slash}", HTTP_IF_NONE_MATCH=response["ETag"])
    assert again.status_code == 304


@faces
@slashes
def test_the_other_name_tells_an_anonymous_caller_that_there_is_nobody(client, prefix, slash):
    response = client.get(f"{prefix}/userinfo{slash}")

    assert response.status_code == 200
    assert bare(response) == {"is_authenticated": False}
    assert response["Cache-Control"] == "no-store"
    assert client.get(f"{prefix}/accounts/user{slash}").status_code == 401


@faces
@slashes
@pytest.mark.parametrize(
    ("method", "path"),
    [("put", "/accounts/user"), ("patch", "/accounts/user"), ("put", "/userinfo/edit")],
)
def test_names_are_changed_and_what_is_left_out_stays(client, prefix, slash, method, path):
    user = UserFactory(last_name="Lee")
    client.force_authenticate(user)

    response = getattr(client, method)(f"{prefix}{path}{slash}", {"first_name": "Ann"})

    assert response.status_code == 200
    user.refresh_from_db()
    assert (user.first_name, user.last_name) == ("Ann", "Lee")


def test_what_is_not_ones_own_to_change_is_ignored(client):
    user = UserFactory(username="ann")
    client.force_authenticate(user)

    client.patch(
        "/accounts/user/",
        {"username": "x", "is_staff": True, "is_superuser": True, "roles": ["admin"], "id": 9},
    )

    user.refresh_from_db()
    assert (user.username, user.is_staff, user.is_superuser) == ("ann", False, False)
    assert not user.groups.exists()


def test_a_profile_that_changed_meanwhile_is_not_overwritten(client):
    user = UserFactory(first_name="Ann")
    client.force_authenticate(user)
    etag = client.get("/accounts/user/")["ETag"]

    first = client.patch("/accounts/user/", {"first_name": "Bea"}, HTTP_IF_MATCH=etag)
    client.force_authenticate(User.objects.get())
    second = client.patch("/accounts/user/", {"first_name": "Cat"}, HTTP_IF_MATCH=etag)

    assert (first.status_code, second.status_code) == (200, 412)
    assert User.objects.get().first_name == "Bea"


# --- A new email --------------------------------------------------------------------------------


ROUTES = [
    ("put", "/accounts/user/"),
    ("patch", "/api/accounts/user/"),
    ("put", "/userinfo/edit/"),
    ("put", "/auth/users/me/"),
    ("patch", "/api/auth/users/me/"),
    ("patch", "/accounts/users/{pk}/"),
    ("put", "/api/users/{pk}/"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_new_email_takes_effect_only_after_its_code_on_every_route(client, method, path):
    user = UserFactory(email="old@example.com")
    client.sign_in(user)

    response = getattr(client, method)(path.format(pk=user.pk), {"email": "new@example.com"})

    assert response.status_code == 200
    user.refresh_from_db()
    assert user.email == "old@example.com"
    assert client.get("/accounts/user/").json()["pending_email"] == "new@example.com"
    assert "asked for another email" in last_mail_to("old@example.com").body
    client.credentials()
    body = {"email": "NEW@example.com", "otp": code_mailed_to("new@example.com")}
    assert client.post("/accounts/verify-otp/", body).status_code == 200
    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert user.email_verified_at is not None


def test_the_outbox_names_the_user_and_the_purpose_and_nothing_else(client):
    user = UserFactory()
    client.sign_in(user)
    client.patch("/accounts/user/", {"email": "new@example.com"})
    client.post("/accounts/forgot-password/", {"email": user.email})

    payloads = list(OutboxMessage.objects.order_by("pk").values_list("payload", flat=True))

    assert payloads == [
        {"user_id": user.pk, "purpose": "email_change_notice"},
        {"user_id": user.pk, "purpose": "activation"},
        {"user_id": user.pk, "purpose": "reset_code"},
    ]


def test_an_account_without_email_gets_one_by_its_code(client):
    user = UserFactory(email=None, email_verified_at=None)
    client.sign_in(user)
    client.patch("/accounts/user/", {"email": "new@example.com"})

    body = {"email": "new@example.com", "otp": code_mailed_to("new@example.com")}

    assert client.post("/accounts/verify-otp/", body).status_code == 200
    user.refresh_from_db()
    assert (user.email, user.email_verified_at is not None) == ("new@example.com", True)


def test_a_verified_address_of_somebody_else_is_refused(client):
    UserFactory(email="taken@example.com")
    user = UserFactory()
    client.sign_in(user)

    response = client.patch("/api/accounts/user/", {"email": "Taken@example.com"})

    assert (response.status_code, response.json()["code"]) == (400, "email_taken")
    assert not EmailChange.objects.exists()
    assert mail.outbox == []


def test_a_pending_change_reserves_nothing(client):
    client.sign_in(UserFactory())
    client.patch("/accounts/user/", {"email": "new@example.com"})
    code = code_mailed_to("new@example.com")
    UserFactory(email="new@example.com")

    response = client.post("/api/accounts/verify-otp/", {"email": "new@example.com", "otp": code})

    assert (response.status_code, response.json()["code"]) == (400, "email_taken")


def test_a_registration_of_the_new_address_gives_way_to_whoever_proves_it(client):
    user = UserFactory()
    registration = UserFactory(email="new@example.com", email_verified_at=None)
    client.sign_in(user)
    client.patch("/accounts/user/", {"email": "new@example.com"})
    body = {"email": "new@example.com", "otp": code_mailed_to("new@example.com")}

    assert client.post("/accounts/verify-otp/", body).status_code == 200

    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert not User.objects.filter(pk=registration.pk).exists()


def test_only_the_case_of_an_email_is_changed_by_its_code_too(client):
    user = UserFactory(email="ann@example.com")
    client.sign_in(user)
    client.patch("/accounts/user/", {"email": "Ann@example.com"})
    body = {"email": "ann@example.com", "otp": code_mailed_to("Ann@example.com")}

    assert client.post("/accounts/verify-otp/", body).status_code == 200
    user.refresh_from_db()
    assert user.email == "Ann@example.com"


def test_a_pending_change_dies_after_a_day(client):
    user = UserFactory()
    client.sign_in(user)
    client.patch("/accounts/user/", {"email": "new@example.com"})
    code = code_mailed_to("new@example.com")
    EmailChange.objects.update(requested_at=timezone.now() - timedelta(hours=24))

    body = {"email": "new@example.com", "otp": code}

    assert client.post("/accounts/verify-otp/", body).status_code == 400
    assert client.get("/accounts/user/").json()["pending_email"] is None


def test_of_those_who_want_one_address_the_latest_waits_alone(client):
    users = UserFactory.create_batch(3, email=None, email_verified_at=None)
    for user in users:
        client.sign_in(user)
        client.patch("/accounts/user/", {"email": "new@example.com"})
    mail.outbox.clear()

    client.post("/accounts/resend-otp/", {"email": "New@example.com"})

    assert [message.to for message in mail.outbox] == [["new@example.com"]]
    assert EmailChange.objects.get().user == users[-1]
    code = code_mailed_to("new@example.com")
    for _ in range(5):
        client.post("/accounts/verify-otp/", {"email": "new@example.com", "otp": wrong(code)})
    assert Otp.objects.get().tries == 5
    body = {"email": "new@example.com", "otp": code}
    assert client.post("/accounts/verify-otp/", body).status_code == 400


def test_a_change_and_a_registration_never_have_a_code_for_one_address_each(client):
    user = UserFactory()
    ann = {"username": "ann", "email": "new@example.com", "password": PASSWORD}
    client.post("/accounts/register/", ann)
    client.sign_in(user)

    client.patch("/accounts/user/", {"email": "New@example.com"})
    client.post("/accounts/resend-otp/", {"email": "new@example.com"})
    assert Otp.objects.get().user == user

    client.post("/accounts/register/", ann)
    client.post("/accounts/resend-otp/", {"email": "new@example.com"})
    assert Otp.objects.get().user == User.objects.get(username="ann")
    assert not EmailChange.objects.exists()


# --- The end of an account ----------------------------------------------------------------------


def log_in(client, user):
    body = {"username": user.username, "password": PASSWORD}
    access = client.post("/accounts/login/", body).json()["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/accounts/user/", 200),
        ("/accounts/user", 204),
        ("/auth/users/me/", 204),
        ("/api/auth/users/me/", 204),
        ("/accounts/users/{pk}/", 204),
        ("/api/users/{pk}", 200),
    ],
)
def test_an_account_is_ended_by_anonymising_it(client, holder, path, status):
    user = UserFactory(first_name="Ann", last_name="Lee")
    log_in(client, user)

    response = client.delete(path.format(pk=user.pk))

    assert response.status_code == status
    user.refresh_from_db()
    assert user.username.startswith(f"deleted-{user.pk}-")
    assert (user.email, user.first_name, user.last_name) == (None, "", "")
    assert (user.is_active, user.has_usable_password()) == (False, False)
    assert not Session.objects.exists()
    assert holder.forgotten == [user.pk]
    assert client.get("/accounts/user/").status_code == 401


def test_an_older_login_needs_the_password(client, holder):
    user = UserFactory()
    log_in(client, user)
    Session.objects.update(created_at=timezone.now() - timedelta(minutes=11))

    without = client.delete("/api/accounts/user/")
    wrong = client.delete("/api/accounts/user/", {"current_password": "wrong"})

    assert (without.status_code, without.json()["code"]) == (400, "password_required")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_password")
    assert holder.forgotten == []
    assert client.delete("/accounts/user/", {"current_password": PASSWORD}).status_code == 204


def test_a_wrong_password_is_refused_even_after_a_fresh_login(client, holder):
    log_in(client, UserFactory())

    assert client.delete("/accounts/user/", {"current_password": "wrong"}).status_code == 400
    assert holder.forgotten == []


def test_staff_do_not_vanish(client, holder):
    user = StaffFactory()
    log_in(client, user)

    response = client.delete("/api/accounts/user/", {"current_password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (409, "staff_account")
    user.refresh_from_db()
    assert user.is_active


def test_what_cannot_be_forgotten_ends_nothing(client):
    class Failing(Holder):
        def forget(self, *, user_id):
            raise RuntimeError

    user = UserFactory()
    client.force_authenticate(user)

    with personal_data.answered_by([Failing()]), pytest.raises(RuntimeError):
        client.delete("/accounts/user/", {"current_password": PASSWORD})

    user.refresh_from_db()
    assert user.is_active


@pytest.mark.parametrize("path", ["/api/userinfo/edit/", "/api/accounts/user/"])
def test_only_who_asks_for_a_new_email_is_told_of_its_code(client, path):
    client.force_authenticate(UserFactory())

    named = client.put(path, {"first_name": "Ann"})
    moved = client.put(path, {"email": "moved@example.com", "current_password": PASSWORD})

    assert named.json()["message"] == "Saved."
    assert moved.json()["message"] == "Saved. The new email takes effect once its code is verified."


def test_a_header_without_a_word_before_the_token_is_refused_in_plain_words(client):
    client.credentials(HTTP_AUTHORIZATION="Bearer")

    answer = client.get("/api/accounts/user/")

    assert answer.status_code == 401
    assert answer.json()["code"] == "authentication_failed"
    assert "the word Bearer, a space and the access token" in answer.json()["message"]
