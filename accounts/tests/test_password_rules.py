"""What a password may be: long, and not what everybody would guess."""

import hashlib

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def register(password, **changes):
    body = {"username": "kingfisher", "email": "ann.oakley@example.com", "password": password}
    names = {"first_name": "Annabel", "last_name": "Oakley"}
    return ShopClient().post("/api/accounts/register/", body | names | changes)


@pytest.mark.parametrize(
    "password",
    [
        "8361927511832290",  # digits alone
        "gwolzvnbqpxk",  # small letters alone
        "!(&%$!?=)(&%",
        "ein Igel im Kohl",
        "ÄÖÜß-日本語-пароль",
        "x7-" * 42 + "ab",  # 128
        " spaces around ",
    ],
)
def test_any_composition_of_eight_to_128_characters_is_a_password(password):
    assert register(password).status_code == 201
    assert User.objects.get().check_password(password)


@pytest.mark.parametrize(
    "password",
    [
        "seven77",
        "x7-" * 43,  # 129
        "password123",  # of the commonest
        "12345678",
        "kingfisher1",  # the username
        "ann.oakley@example",  # the address
        "annabel2024",  # the name
        "DemoShop2024",  # the shop's
        "demo_shop-1",
        "Oakley Annabel",  # both names
        "oakleyoakley",
        "annabel.oakley7",
        "ann_kingfisher",
    ],
)
def test_what_is_short_common_or_ones_own_or_the_shops_name_is_none(password):
    answer = register(password)

    assert answer.status_code == 400
    assert "password" in answer.json()["errors"]
    assert not User.objects.exists()


JANE = {"username": "jsmith81", "email": "js@example.com", "first_name": "Jane"}


@pytest.mark.parametrize(
    "password",
    [
        "Jane Smith",
        "janesmith1",
        "smithsmith",
        "JANE-jane-2024",
        "Jsmith81!",
        "xxjsmithxx",
    ],
)
def test_fewer_than_six_characters_beside_ones_own_names_are_no_password(password):
    answer = register(password, **JANE, last_name="Smith")

    assert answer.status_code == 400
    assert answer.json()["errors"]["password"][0]["code"] == "weak_password"
    assert register("smith rows otters", **JANE, last_name="Smith").status_code == 201


def test_names_of_three_letters_and_of_several_words_count_too():
    names = {
        "username": "",
        "email": "x1@example.com",
        "first_name": "Ann-Lee",
        "last_name": "van Dür",
    }

    assert register("annlee leeann", **names).status_code == 400
    assert register("VanDür2024", **names).status_code == 400
    assert register("vandur annoys lee", **names).status_code == 201


def as_signed_in(user):
    client = ShopClient()
    client.sign_in(user)
    return client


def test_every_door_holds_a_password_against_the_owners_names():
    user = UserFactory(username="jsmith81", first_name="Jane", last_name="Smith")
    body = {"old_password": PASSWORD, "new_password": "Jane Smith"}
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    words = {"usable_password": "true", "password1": "Jane Smith", "password2": "Jane Smith"}

    changed = as_signed_in(user).post("/api/accounts/change-password/", body)
    page = browser.post(f"/admin/accounts/user/{user.pk}/password/", words)

    assert (changed.status_code, changed.json()["code"]) == (400, "weak_password")
    assert "own names" in page.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("length", [128, 129, 380])
def test_the_admin_site_takes_passwords_as_long_as_the_api_does(length):
    new = ("x7-" * 200)[:length]
    root, other = UserFactory(is_staff=True, is_superuser=True), UserFactory()
    browser = Client()
    browser.force_login(root)
    words = {"usable_password": "true", "password1": new, "password2": new}
    own = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    pages = [
        browser.post("/admin/accounts/user/add/", {"username": "newcomer", **words}),
        browser.post(f"/admin/accounts/user/{other.pk}/password/", words),
        browser.post("/admin/password_change/", own),
    ]

    is_taken = length == 128
    assert [page.status_code for page in pages] == [302 if is_taken else 200] * 3
    assert is_taken or all("at most 128" in page.content.decode() for page in pages)
    assert User.objects.filter(username="newcomer").exists() is is_taken
    for user in (root, other):
        user.refresh_from_db()
        assert user.check_password(new) is is_taken


def test_words_of_the_settings_count_as_the_shops_name_does(settings):
    settings.PASSWORD_WORDS = ["Golden Kettle", "Riverside"]

    assert register("golden-kettle-1").status_code == 400
    assert register("Riverside99").status_code == 400
    assert register("riverside otters sleep").status_code == 201


@pytest.mark.parametrize("ending", ["", ":37", ":2941\r"])
def test_a_password_that_was_stolen_elsewhere_is_none(settings, tmp_path, ending):
    stolen = [f"correct horse battery {number}" for number in range(500)]
    hashes = sorted(hashlib.sha1(password.encode()).hexdigest().upper() for password in stolen)
    listed = tmp_path / "stolen.txt"
    listed.write_bytes("\n".join(f"{digest}{ending}" for digest in hashes).encode())
    settings.BREACHED_PASSWORDS_FILE = str(listed)

    def is_refused(password):
        try:
            validate_password(password)
        except ValidationError as refusal:
            return refusal.error_list[0].code == "password_breached"
        return False

    assert all(is_refused(password) for password in stolen)
    assert not any(is_refused(f"another horse battery {number}") for number in range(500))
    assert register(stolen[7]).status_code == 400
    assert register("another horse battery").status_code == 201


def test_an_empty_list_of_stolen_passwords_refuses_none(settings, tmp_path):
    (tmp_path / "none.txt").touch()
    settings.BREACHED_PASSWORDS_FILE = str(tmp_path / "none.txt")

    assert register("another horse battery").status_code == 201
