"""What the shop refuses to start with."""

import pytest
from django.apps import apps

from payments.checks import check_provider


def test_the_sandbox_is_fine():
    assert check_provider() == []


def test_a_capture_method_that_is_none_is_refused(settings):
    settings.PAYMENT_CAPTURE_METHOD = "later"

    assert [message.id for message in check_provider()] == ["payments.E002"]


def test_stripe_without_its_keys_is_refused(settings):
    settings.PAYMENT_PROVIDER = "stripe"

    assert [message.id for message in check_provider()] == ["payments.E001", "payments.E003"]


def test_stripe_with_its_keys_is_fine(settings):
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = "sk_test_1"
    settings.STRIPE_WEBHOOK_SECRET = "whsec_1"

    assert check_provider() == []


@pytest.mark.parametrize(
    ("provider", "is_debugging", "warnings"),
    [("sandbox", False, 1), ("sandbox", True, 0), ("stripe", False, 0)],
)
def test_a_shop_that_takes_no_real_money_says_so_when_it_starts(
    settings, caplog, provider, is_debugging, warnings
):
    settings.PAYMENT_PROVIDER, settings.DEBUG = provider, is_debugging

    apps.get_app_config("payments").ready()

    assert [record.levelname for record in caplog.records] == ["WARNING"] * warnings
    assert caplog.text.count("no real money") == warnings
