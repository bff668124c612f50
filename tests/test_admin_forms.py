"""The admin site's forms, sent by somebody who does not use a browser."""

import pytest
from django.contrib import admin
from django.test import Client

from accounts.tests.factories import UserFactory
from cart.tests.factories import CouponFactory
from shipping.tests.factories import ZoneFactory
from shop_backend.kernel.formsets import SentRowsFormSet
from tests.security.forms import Form

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.mark.parametrize(
    "value", ["ann\x00", "x", "9" * 5_000, "1e5", "9223372036854775808", "\u0663", "-1", ""]
)
def test_a_form_of_the_admin_site_refuses_what_names_no_row(value):
    area = ZoneFactory(areas=["GB"]).areas.get()
    coupon = CouponFactory()
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))

    one = browser.post(
        f"/admin/shipping/zonearea/{area.pk}/change/", {"zone": value, "country": "GB"}
    )
    some = browser.post(f"/admin/cart/coupon/{coupon.pk}/change/", {"products": [value]})

    groups = browser.post(
        f"/admin/accounts/user/{UserFactory().pk}/change/", {"username": "ann", "groups": [value]}
    )

    assert [answer.status_code for answer in (one, some, groups)] == [200, 200, 200]
    assert one.context["adminform"].errors


def test_the_attack_on_forms_sends_what_a_browser_would():
    zone = ZoneFactory(name="Isles & more", areas=["GB"])
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    path = f"/admin/shipping/zone/{zone.pk}/change/"

    fields = dict(Form(browser.get(path).content.decode()).fields)

    assert fields["name"] == "Isles & more"
    assert fields["areas-0-country"] == "GB"
    assert browser.post(path, {**fields, "name": "Islands"}).status_code == 302
    zone.refresh_from_db()
    assert zone.name == "Islands"


@pytest.mark.parametrize("told", ["2147483648", "1001", "50"])
def test_a_form_has_no_more_rows_than_were_sent(told):
    zone = ZoneFactory(name="Isles", areas=["GB"])
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    path = f"/admin/shipping/zone/{zone.pk}/change/"
    fields = dict(Form(browser.get(path).content.decode()).fields)

    answer = browser.post(path, {**fields, "name": "", "areas-TOTAL_FORMS": told})

    (areas,) = [each.formset for each in answer.context["inline_admin_formsets"]]
    sent = {name.split("-")[1] for name in fields if name.startswith("areas-")}
    assert len(areas.forms) == len([number for number in sent if number.isdecimal()]) < 5


def test_every_form_of_the_admin_site_counts_the_rows_that_were_sent():
    inlines = [inline for shown in admin.site._registry.values() for inline in shown.inlines]

    assert len(inlines) > 10
    assert [each for each in inlines if not issubclass(each.formset, SentRowsFormSet)] == []
