"""The shop is held against its invariants in the admin, and by whoever watches it."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders.models import Order
from orders.tests.trade import buyer, client_of, place_and_pay
from shop_backend import invariants

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
PATH = "/health/invariants"


def page(user, method="get"):
    client = Client()
    client.force_login(user)
    return getattr(client, method)(reverse("invariants"))


def admin():
    return StaffFactory(role="admin")


def test_the_page_names_the_sentences_and_looks_only_when_asked():
    VariantFactory(stock=3)
    StockLevel.objects.update(on_hand=4)

    html = unescape(page(admin()).content.decode())

    for invariant in invariants.ALL:
        assert invariant.sentence in html
    assert "Look now" in html
    assert "broken by" not in html


def test_a_sound_shop_holds():
    place_and_pay(buyer(), (VariantFactory(stock=3), 1))

    html = page(admin(), "post").content.decode()

    assert f"All {len(invariants.ALL)} hold." in html
    assert "broken by" not in html


def test_what_breaks_one_is_linked_to_its_page():
    order = place_and_pay(buyer(), (VariantFactory(stock=3), 1))
    Order.objects.update(captured_minor=order.total_minor + 1)

    html = page(admin(), "post").content.decode()

    assert f"1 of {len(invariants.ALL)} do not hold." in html
    links = re.findall(r'href="([^"]+)">order \d+</a>', html)
    assert links == [reverse("admin:orders_order_change", args=[order.pk])]


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_page_is_for_those_who_may(method):
    assert page(StaffFactory(role="manager"), method).status_code == 403
    assert page(UserFactory(), method).status_code == 302
    assert getattr(Client(), method)(reverse("invariants")).status_code == 302


def test_the_menu_leads_there():
    def first_page(user):
        client = Client()
        client.force_login(user)
        return client.get(reverse("admin:index")).content.decode()

    assert reverse("invariants") in first_page(admin())
    assert reverse("invariants") not in first_page(StaffFactory(role="manager"))


def test_a_watcher_is_told_that_all_is_well():
    body = client_of(admin()).get(PATH).json()

    assert body["ok"] is True
    assert [line["ok"] for line in body["checked"]] == [True] * len(invariants.ALL)


def test_a_watcher_is_told_what_is_broken_and_the_answer_is_still_an_answer():
    VariantFactory(stock=3)
    StockLevel.objects.update(on_hand=4)

    response = client_of(admin()).get(PATH, {"only": "i2,I5"})

    level = StockLevel.objects.get()
    assert response.status_code == 200
    assert response.json()["ok"] is False
    assert [
        (line["code"], line["ok"], line["count"], line["broken_by"])
        for line in response.json()["checked"]
    ] == [("I2", False, 1, [f"stock level {level.pk}"]), ("I5", True, 0, [])]


def test_an_unknown_code_is_refused():
    response = client_of(admin()).get(PATH, {"only": "I99"})

    assert response.status_code == 400
    assert "I99" in response.json()["only"][0]


@pytest.mark.parametrize(("role", "status"), [("manager", 403), ("support", 403)])
def test_other_staff_may_not_ask(role, status):
    assert client_of(StaffFactory(role=role)).get(PATH).status_code == status


def test_a_customer_may_not_ask_and_a_stranger_must_log_in():
    assert client_of(UserFactory()).get(PATH).status_code == 403
    assert client_of(None).get(PATH).status_code == 401


def test_each_look_costs_so_it_is_counted(settings):
    settings.RATE_LIMITS = True
    user = admin()

    answers = [client_of(user).get(PATH, {"only": "I1"}).status_code for _ in range(7)]

    assert answers == [200] * 6 + [429]
