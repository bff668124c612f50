"""What the database itself refuses, whoever asks."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import EmailChange, Otp, OtpPurpose, OtpRequestCount, User
from accounts.tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def refused(sql, *parameters):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    return True


def otp_of(user, purpose):
    return Otp.objects.create(
        user=user,
        purpose=purpose,
        email=user.email,
        code_hash="x" * 64,
        expires_at=timezone.now() + timedelta(minutes=5),
    )


def test_no_two_accounts_share_a_username_in_any_case():
    UserFactory(username="ann")
    other = UserFactory(username="bob")

    assert refused("UPDATE accounts_user SET username = %s WHERE id = %s", "ANN", other.pk)


def test_no_two_accounts_share_an_email_in_any_case():
    UserFactory(email="ann@example.com")
    other = UserFactory(email="bob@example.com")

    assert refused("UPDATE accounts_user SET email = %s WHERE id = %s", "Ann@Example.com", other.pk)


def test_any_number_of_accounts_has_no_email():
    UserFactory.create_batch(2, email=None)

    assert User.objects.filter(email=None).count() == 2


def test_an_account_has_one_code_for_each_purpose():
    user = UserFactory()
    otp_of(user, OtpPurpose.ACTIVATION)
    other = otp_of(user, OtpPurpose.PASSWORD_RESET)

    assert refused("UPDATE accounts_otp SET purpose = %s WHERE id = %s", "activation", other.pk)


def test_a_code_is_never_tried_a_sixth_time():
    otp = otp_of(UserFactory(), OtpPurpose.ACTIVATION)

    assert refused("UPDATE accounts_otp SET tries = 6 WHERE id = %s", otp.pk)


def test_an_address_is_counted_in_one_row_for_each_purpose():
    times = {f"asked_at_{number}": timezone.now() for number in range(1, 6)}
    rows = [
        OtpRequestCount.objects.create(purpose=purpose, address_digest="x" * 64, **times)
        for purpose in OtpPurpose.values
    ]

    assert refused(
        "UPDATE accounts_otprequestcount SET purpose = %s WHERE id = %s",
        OtpPurpose.ACTIVATION.value,
        rows[1].pk,
    )


def test_an_address_has_one_code_for_each_purpose_whoever_it_is_for():
    otp_of(UserFactory(email="ann@example.com"), OtpPurpose.ACTIVATION)
    other = otp_of(UserFactory(), OtpPurpose.ACTIVATION)

    assert refused("UPDATE accounts_otp SET email = %s WHERE id = %s", "Ann@Example.com", other.pk)


def test_one_change_of_email_waits_for_an_address():
    EmailChange.objects.create(user=UserFactory(), new_email="new@example.com")
    other = EmailChange.objects.create(user=UserFactory(), new_email="other@example.com")

    assert refused(
        "UPDATE accounts_emailchange SET new_email = %s WHERE id = %s", "New@example.com", other.pk
    )
