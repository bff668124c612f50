"""What the shop refuses to start with."""

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
