"""Where a recording may be replayed, and where not."""

import pytest
from django.core.management import CommandError, call_command

from cart.models import TaxRate
from catalog.models import TaxClass
from catalog.tests.factories import VariantFactory
from orders.tests import trade
from shop_backend.replay import preparing
from shop_backend.replay.preparing import NotForTheReplay

pytestmark = pytest.mark.django_db


def test_a_shop_without_orders_will_do():
    preparing.check_shop()


def test_a_shop_where_others_have_ordered_is_left_alone():
    trade.place(trade.buyer(), (VariantFactory(stock=1), 1))

    with pytest.raises(NotForTheReplay, match="Others have ordered"):
        preparing.check_shop()


def test_a_shop_of_another_currency_is_told_so(settings):
    settings.SHOP_CURRENCY = "EUR"

    with pytest.raises(NotForTheReplay, match="money is GBP; this shop's SHOP_CURRENCY is EUR"):
        preparing.check_shop()


def test_a_shop_that_takes_real_money_is_left_alone(settings):
    settings.PAYMENT_PROVIDER = "stripe"

    with pytest.raises(NotForTheReplay, match="PAYMENT_PROVIDER=sandbox"):
        preparing.check_shop()


def test_tax_on_top_of_the_prices_is_refused(settings):
    settings.PRICES_INCLUDE_TAX = False
    tax_class = TaxClass.objects.get(is_default=True)
    TaxRate.objects.create(tax_class=tax_class, country="GB", rate_ppm=200_000, name="VAT")

    with pytest.raises(NotForTheReplay, match="PRICES_INCLUDE_TAX=True"):
        preparing.check_shop()


def test_with_debug_off_somebody_has_to_say_that_it_is_no_live_shop():
    with pytest.raises(CommandError, match="--this-is-not-a-live-shop"):
        call_command("replay_orders", "no-such-file.csv")


def test_the_manager_can_sign_in_during_the_run_alone():
    with preparing.manager() as (username, password):
        body = {"username": username, "password": password}
        during = trade.client_of(None).post("/api/accounts/login/", body, format="json")
    after = trade.client_of(None).post("/api/accounts/login/", body, format="json")

    assert (during.status_code, after.status_code) == (200, 401)
