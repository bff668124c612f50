"""What the database itself refuses, tried in raw SQL."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from shipping.models import Address, Shipment, ShipmentEvent, ShippingMethod, Zone
from shipping.tests.factories import (
    AddressFactory,
    ShipmentFactory,
    ShippingMethodFactory,
    ZoneFactory,
)

pytestmark = pytest.mark.django_db


def refused(sql: str, *values) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except DatabaseError:
        return True
    return False


@pytest.mark.portable
def test_a_user_has_one_default_address_and_it_is_his_own():
    address = AddressFactory(is_default=True)
    other, foreign = AddressFactory(user=address.user), AddressFactory()
    sql = "UPDATE shipping_address SET default_for = %s WHERE id = %s"

    assert refused(sql, address.user_id, other.pk)
    assert refused(sql, other.user_id, foreign.pk)
    assert list(Address.objects.exclude(default_for=None)) == [address]


@pytest.mark.portable
@pytest.mark.parametrize(
    "change",
    [
        "price_minor = -1",
        "price_minor = 1000000000000001",
        "free_from_subtotal_minor = -1",
        "min_days = 6",
        "min_subtotal_minor = 2, max_subtotal_minor = 1",
        "min_weight_grams = 2, max_weight_grams = 1",
        "code = 'taken'",
    ],
)
def test_a_method_that_makes_no_sense_is_not_kept(change):
    ShippingMethodFactory(code="taken")
    method = ShippingMethodFactory()

    assert refused(f"UPDATE shipping_shippingmethod SET {change} WHERE id = %s", method.pk)
    assert ShippingMethod.objects.filter(pk=method.pk, price_minor=499).exists()


@pytest.mark.portable
@pytest.mark.parametrize(
    "change",
    [
        "price_minor = -1",
        "price_minor = 1000000000000001",
        "from_weight_grams = 0",
        "from_weight_grams = 5000",
    ],
)
def test_a_rate_that_makes_no_sense_is_not_kept(change):
    ShippingMethodFactory(rates={2000: 899, 5000: 1299})

    sql = f"UPDATE shipping_shippingrate SET {change} WHERE from_weight_grams = 2000"
    assert refused(sql)


@pytest.mark.portable
def test_names_of_zones_and_their_areas_are_kept_once():
    zone = ZoneFactory(name="Home", areas=["GB"])

    with pytest.raises(IntegrityError), transaction.atomic():
        ZoneFactory(name="Home")
    assert refused(
        "INSERT INTO shipping_zonearea (zone_id, country, region) VALUES (%s, 'GB', '')", zone.pk
    )
    assert Zone.objects.get().areas.count() == 1


@pytest.mark.portable
def test_a_parcel_holds_each_sku_once_and_never_none_of_it():
    shipment = ShipmentFactory(units={"A": 1})
    sql = (
        "INSERT INTO shipping_shipmentline (shipment_id, sku, name, quantity)"
        " VALUES (%s, %s, '', %s)"
    )

    assert refused(sql, shipment.pk, "A", 1)
    assert refused(sql, shipment.pk, "B", 0)
    assert shipment.lines.count() == 1


def test_the_history_of_a_parcel_only_grows():
    if connection.vendor not in {"postgresql", "sqlite"}:
        pytest.skip("MariaDB leaves it to the services")
    event = ShipmentFactory().events.get()

    assert refused("UPDATE shipping_shipmentevent SET status = 'shipped' WHERE id = %s", event.pk)
    assert refused("DELETE FROM shipping_shipmentevent WHERE id = %s", event.pk)
    assert ShipmentEvent.objects.get().status == "packed"


@pytest.mark.portable
def test_tracking_numbers_are_kept_once():
    ShipmentFactory(tracking_number="ONCE1234")

    with pytest.raises(IntegrityError), transaction.atomic():
        ShipmentFactory(tracking_number="ONCE1234")
    assert Shipment.objects.count() == 1
