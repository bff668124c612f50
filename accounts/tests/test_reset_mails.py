"""Mails that somebody else may ask for are few, whatever addresses the asking comes from."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import EmailChange
from accounts.tests.factories import UserFactory
from shop_backend.kernel.models import SpentBudget
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

LINKS = [
    "/api/accounts/request-reset-email/",
    "/accounts/request-reset-email/",
    "/auth/users/reset_password/",
    "/api/forgot_password/",
    "/forgot_password/",
]


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.RATE_LIMITS = True


def ask(path, email, number):
    client = ShopClient(REMOTE_ADDR=f"198.51.100.{number}")
    return client.post(path, {"email": email})


def test_forty_requests_from_forty_addresses_are_five_mails():
    UserFactory(email="meg@example.com")

    answers = [
        ask(LINKS[number % len(LINKS)], ["meg@example.com", "MEG@Example.com"][number % 2], number)
        for number in range(40)
    ]

    assert len(mail.outbox) == 5
    assert {answer.status_code for answer in answers[:5]} == {200, 204}
    assert {answer.status_code for answer in answers[5:]} == {429}
    assert answers[5].json()["code"] == "otp_cooldown"
    assert all(0 < int(answer.headers["Retry-After"]) <= 720 for answer in answers[5:])


@pytest.mark.parametrize("path", LINKS)
def test_an_unknown_address_is_told_the_same_as_often(path):
    UserFactory(email="known@example.com")

    def told(email):
        answers = [ask(path, email, number) for number in range(7)]
        return [(answer.status_code, answer.content) for answer in answers]

    known, unknown = told("known@example.com"), told("nobody@example.com")

    assert known == unknown
    assert [status for status, _ in known[5:]] == [429, 429]


def test_who_was_asked_for_too_often_may_ask_again_before_the_last_link_is_dead():
    UserFactory(email="meg@example.com")
    for number in range(6):
        ask(LINKS[0], "meg@example.com", number)

    row = SpentBudget.objects.get(key__startswith="reset mail")
    row.spent_until -= 720_000_000  # microseconds: twelve minutes
    row.save(update_fields=["spent_until"])

    assert ask(LINKS[0], "meg@example.com", 7).status_code == 200
    assert ask(LINKS[0], "meg@example.com", 8).status_code == 429
    assert len(mail.outbox) == 6


@pytest.mark.parametrize("path", ["/accounts/resend-otp/", "/auth/users/resend_activation/"])
def test_registration_and_resending_share_one_count(path):
    body = {"email": "meg@example.com", "password": "a lantern and a ladder"}

    registered = [
        ShopClient(REMOTE_ADDR=f"198.51.100.{number}").post("/accounts/register/", body).status_code
        for number in range(3)
    ]
    resent = [ask(path, "meg@example.com", number).status_code for number in range(3)]

    assert registered == [201, 429, 429]
    assert resent == [429] * 3
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("spelling", ["meg@exampİe.com", "meg@exämpie.com"])
def test_a_spelling_that_only_a_database_takes_for_the_address_mails_nobody(spelling):
    user = UserFactory()
    EmailChange.objects.create(
        user=user,
        new_email="meg@exampie.com",
        requested_at=timezone.now() - timedelta(minutes=5),
    )

    assert ask("/accounts/resend-otp/", spelling, 1).status_code == 200

    assert mail.outbox == []
