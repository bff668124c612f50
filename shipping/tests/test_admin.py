"""The admin site of shipping."""

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import StaffFactory
from shipping.models import Shipment, ShippingMethod, ShippingRate, Zone, ZoneArea
from shipping.ports import fulfilment
from shipping.tests.factories import (
    AddressFactory,
    ShipmentFactory,
    ShippingMethodFactory,
    ZoneFactory,
)
from shop_backend.kernel import events

pytestmark = pytest.mark.django_db

MODELS = [model for model in admin.site._registry if model._meta.app_label == "shipping"]
ADDED_BY_HAND = {Zone, ZoneArea, ShippingMethod, ShippingRate}


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com", "secret"))
    return client


def url_of(model, page: str, *args) -> str:
    return reverse(f"admin:shipping_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_page_opens(model, superuser):
    AddressFactory(is_default=True)
    ShippingMethodFactory(zones=[ZoneFactory(areas=["GB", ("US", "CA")])], rates={2000: 899})
    ShipmentFactory()

    for search in ("", "?q=a"):
        assert superuser.get(url_of(model, "changelist") + search).status_code == 200
    pk = model.objects.order_by("pk").first().pk
    assert superuser.get(url_of(model, "change", pk)).status_code == 200
    added = superuser.get(url_of(model, "add"))
    assert added.status_code == (200 if model in ADDED_BY_HAND else 403)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_changelist_takes_as_many_queries_for_ten_as_for_one(
    model, superuser, django_assert_num_queries, django_assert_max_num_queries
):
    def make() -> None:
        AddressFactory(is_default=True)
        ShippingMethodFactory(zones=[ZoneFactory(areas=["GB"])], rates={2000: 899})
        ShipmentFactory()

    make()
    superuser.get(url_of(model, "changelist"))  # the first page after a sign-in notes when it was
    with django_assert_max_num_queries(20) as first:
        superuser.get(url_of(model, "changelist"))
    for _ in range(9):
        make()
    with django_assert_num_queries(len(first)):
        superuser.get(url_of(model, "changelist"))


def test_a_price_is_typed_as_an_amount(superuser):
    method = ShippingMethodFactory(price_minor=499)

    page = superuser.get(url_of(ShippingMethod, "change", method.pk))
    assert page.context["adminform"].form["price_minor"].value() == "4.99"
    form = {
        "name": "Standard",
        "code": method.code,
        "price_minor": "5.50",
        "min_subtotal_minor": "",
        "max_subtotal_minor": "100",
        "position": "0",
        "min_days": "1",
        "max_days": "5",
        "is_active": "on",
        "free_from_subtotal_minor": "50",
        "rates-TOTAL_FORMS": "1",
        "rates-INITIAL_FORMS": "0",
        "rates-0-from_weight_grams": "2000",
        "rates-0-price_minor": "8.99",
    }
    saved = superuser.post(url_of(ShippingMethod, "change", method.pk), form)

    assert saved.status_code == 302
    method.refresh_from_db()
    assert (method.price_minor, method.max_subtotal_minor) == (550, 10_000)
    assert method.free_from_subtotal_minor == 5000
    assert method.rates.get().price_minor == 899
    refused = superuser.post(
        url_of(ShippingMethod, "change", method.pk),
        {**form, "price_minor": "5.555", "rates-TOTAL_FORMS": "0"},
    )
    assert refused.status_code == 200
    assert list(refused.context["adminform"].form.errors) == ["price_minor"]


def test_a_zone_in_use_cannot_be_deleted(superuser):
    zone = ZoneFactory(areas=["GB"])
    ShippingMethodFactory(zones=[zone])

    response = superuser.post(url_of(Zone, "delete", zone.pk), {"post": "yes"})

    assert response.status_code == 403
    assert Zone.objects.count() == 1


def test_parcels_are_moved_on_by_the_service(superuser, monkeypatch):
    news: list = []
    monkeypatch.setattr(events, "publish", news.append)
    monkeypatch.setattr(fulfilment.answerer, "lock", lambda *, reference: None, raising=True)
    packed, delivered = ShipmentFactory(), ShipmentFactory(status="delivered")

    response = superuser.post(
        url_of(Shipment, "changelist"),
        {"action": "mark_shipped", "_selected_action": [packed.pk, delivered.pk]},
    )

    packed.refresh_from_db()
    assert packed.status == "shipped"
    assert [event.shipment_id for event in news] == [packed.pk]
    told = [str(message) for message in get_messages(response.wsgi_request)]
    assert told == [
        f"{packed.tracking_number} was moved on.",
        f"{delivered.tracking_number}: A shipment that is delivered cannot become shipped;"
        " it may become: nothing.",
    ]


def test_who_only_looks_at_parcels_cannot_move_them():
    client = Client()
    client.force_login(StaffFactory(role="support"))
    shipment = ShipmentFactory()

    page = client.get(url_of(Shipment, "changelist"))
    client.post(
        url_of(Shipment, "changelist"),
        {"action": "mark_shipped", "_selected_action": [shipment.pk]},
    )

    assert page.status_code == 200
    assert b"mark_shipped" not in page.content
    shipment.refresh_from_db()
    assert shipment.status == "packed"
