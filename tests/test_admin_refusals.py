"""What the admin site says to somebody who asks for too much, or for what is not there."""

import logging

import pytest
from django.test import Client

from accounts.tests.factories import StaffFactory
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def client_of_role(role):
    client = Client()
    client.force_login(StaffFactory(role=role))
    return client


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/admin/accounts/user/add/", 403, "Your role may not do this."),
        ("/admin/no/such/page/", 404, "There is no such page"),
        ("/admin/orders/order/999/move-on", 404, "There is no such page"),
    ],
)
def test_the_admin_refuses_with_a_page_of_its_own(path, status, words):
    answer = client_of_role("support").get(path)

    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    page = answer.content.decode()
    assert words in page
    assert 'href="/admin/"' in page
    assert 'id="nav-sidebar' in page  # the theme's menu is there to go on with


def test_outside_the_admin_refusals_stay_json():
    answer = ShopClient().get("/api/no/such/page/")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_refusal_in_the_admin_is_one_line_of_the_log(caplog):
    client = client_of_role("support")
    request_log = logging.getLogger("django.request")
    request_log.addHandler(caplog.handler)
    try:
        client.get("/admin/accounts/user/add/")
    finally:
        request_log.removeHandler(caplog.handler)

    records = [each for each in caplog.records if each.name == "django.request"]
    assert records
    assert [each.exc_info for each in records] == [None] * len(records)


def test_the_users_menu_leads_to_the_second_factor():
    page = client_of_role("admin").get("/admin/").content.decode()

    assert 'href="/admin/two-factor/"' in page
    assert 'href="/admin/password_change/"' in page
