"""Mails of accounts: readable as text and as a page, with nothing secret in the row."""

import json
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.mailbox import code_mailed_to, last_mail_to, link_mailed_to
from shop_backend.kernel.models import OutboxMessage
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

NEW_PASSWORD = "another horse battery"


@pytest.fixture
def client():
    return ShopClient()


@pytest.fixture
def ann(client):
    user = UserFactory(username="ann", email="ann@example.com")
    client.sign_in(user)
    return user


def page_of(message):
    [(page, kind)] = message.alternatives
    assert kind == "text/html"
    assert message.body.strip()
    return page


def register(client, email="new@example.com"):
    body = {"username": "new", "email": email, "password": PASSWORD}
    assert client.post("/api/accounts/register/", body).status_code == 201


def test_the_activation_mail_has_the_same_code_and_link_in_both_forms(client):
    register(client)

    message = last_mail_to("new@example.com")
    page = page_of(message)
    assert code_mailed_to("new@example.com") in page
    assert "/".join(link_mailed_to("new@example.com")) in page


def test_a_reset_is_mailed_by_code_and_by_link(client, ann):
    client.post("/api/accounts/forgot-password/", {"email": ann.email})
    assert code_mailed_to(ann.email) in page_of(last_mail_to(ann.email))

    client.post("/api/accounts/request-reset-email/", {"email": ann.email})
    assert "/".join(link_mailed_to(ann.email)) in page_of(last_mail_to(ann.email))


def test_a_changed_password_is_told_to_its_owner(client, ann):
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/api/accounts/change-password/", body).status_code == 200

    message = last_mail_to(ann.email)
    assert message.subject == "Your password at Demo Shop was changed"
    assert "Hello ann" in page_of(message)


@pytest.mark.parametrize("by", ["code", "link"])
def test_a_reset_password_is_told_to_its_owner(client, ann, by):
    if by == "code":
        client.post("/api/accounts/forgot-password/", {"email": ann.email})
        body = {"email": ann.email, "otp": code_mailed_to(ann.email), "new_password": NEW_PASSWORD}
        response = client.post("/api/accounts/reset-password/", body)
    else:
        client.post("/auth/users/reset_password/", {"email": ann.email})
        uid, token = link_mailed_to(ann.email)
        body = {"uid": uid, "token": token, "new_password": NEW_PASSWORD}
        response = client.post("/auth/users/reset_password_confirm/", body)
    assert response.status_code in {200, 204}, response.content

    assert last_mail_to(ann.email).subject == "Your password at Demo Shop was changed"


def test_a_refused_change_of_the_password_is_told_to_nobody(client, ann):
    body = {"old_password": "wrong", "new_password": NEW_PASSWORD}
    assert client.post("/api/accounts/change-password/", body).status_code == 400

    assert mail.outbox == []


def test_a_changed_email_is_told_to_the_old_address(client, ann):
    client.patch("/api/accounts/user/", {"email": "ann@new.example.com"})
    otp = code_mailed_to("ann@new.example.com")
    body = {"email": "ann@new.example.com", "otp": otp}
    assert client.post("/api/accounts/verify-otp/", body).status_code == 200

    message = last_mail_to("ann@example.com")
    assert message.subject == "The email of your account at Demo Shop was changed"
    assert "used no longer" in page_of(message)


def test_a_mail_server_that_is_away_fails_no_request(client, monkeypatch):
    def refuse(message, **options):
        raise SMTPServerDisconnected("new@example.com: away")

    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", refuse)

    register(client)

    assert User.objects.filter(username="new").exists()
    row = OutboxMessage.objects.get()
    assert (row.sent_at, row.attempts) == (None, 1)
    assert row.last_error == "LetterNotSent: SMTPServerDisconnected"


def test_the_rows_hold_no_address_no_name_and_no_secret(client, ann):
    client.post("/api/accounts/forgot-password/", {"email": ann.email})
    code = code_mailed_to(ann.email)
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    client.post("/api/accounts/change-password/", body)

    for payload in OutboxMessage.objects.values_list("payload", flat=True):
        assert set(payload) == {"user_id", "purpose"}
        text = json.dumps(payload)
        assert not any(secret in text for secret in ("ann", code, "horse"))


def test_what_a_person_typed_cannot_become_a_tag_or_a_header(client, settings):
    settings.SHOP_NAME = "A <b>bold</b>\r\nBcc: all@example.com shop"

    register(client)

    message = last_mail_to("new@example.com")
    assert "\n" not in message.subject
    assert message.recipients() == ["new@example.com"]
    assert "<b>" not in page_of(message)
    assert "A <b>bold</b>" in message.body
