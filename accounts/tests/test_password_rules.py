"""What a password may be: long, and not what everybody would guess."""

import pytest

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
