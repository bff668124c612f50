"""What a password may be: long, and not what everybody would guess."""

import hashlib

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def register(password, **changes):
    body = {"username": "kingfisher", "email": "ann.oakley@example.com", "password": password}
    return ShopClient().post("/api/accounts/register/", body | {"first_name": "Annabel", **changes})


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
    ],
)
def test_what_is_short_common_or_ones_own_or_the_shops_name_is_none(password):
    answer = register(password)

    assert answer.status_code == 400
    assert "password" in answer.json()["errors"]
    assert not User.objects.exists()


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
