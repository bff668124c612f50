"""What payments say when the shop starts; what is refused is in tests/test_settings.py."""

import pytest
from django.apps import apps


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
