"""What the shop refuses to start with."""

import pytest
from django.apps import apps

from payments.checks import check_provider


def test_the_sandbox_is_fine():
    assert check_provider() == []


def test_a_capture_method_that_is_none_is_refused(settings):
    settings.PAYMENT_CAPTURE_METHOD = "later"

    assert [message.id for message in check_provider()] == ["payments.E002"]


def test_stripe_without_its_key_is_refused(settings):
    settings.PAYMENT_PROVIDER = "stripe"

    assert [message.id for message in check_provider()] == ["payments.E001"]


def test_stripe_with_its_key_is_fine(settings):
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = "sk_test_1"

    assert check_provider() == []


@pytest.mark.parametrize(
    "faults", [{"fire": "0.1"}, {"drop": "2"}, {"drop": "often"}, {"wrong_amount": "0.1"}]
)
def test_faults_that_the_sandbox_does_not_know_are_refused(settings, faults):
    settings.SANDBOX_FAULTS = faults

    assert [message.id for message in check_provider()] == ["payments.E004"]


def test_faults_that_it_knows_are_fine(settings):
    settings.SANDBOX_FAULTS = {"seed": "7", "drop": "0.1"}

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
