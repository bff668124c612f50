"""What other apps read from shipping and ask of it."""

from datetime import date

import pytest

from accounts.tests.factories import UserFactory
from shipping import selectors, services
from shipping.errors import ShippingMethodNotFound
from shipping.models import Address
from shipping.tests.factories import AddressFactory, ShipmentFactory, ShippingMethodFactory
from shop_backend.kernel.money import Money

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def test_shipments_come_by_reference_with_their_details(django_assert_num_queries):
    first = ShipmentFactory(reference="R1", units={"A": 1})
    second = ShipmentFactory(reference="R1", units={"A": 2, "B": 3})
    third = ShipmentFactory(reference="R2")
    ShipmentFactory(reference="R4")

    with django_assert_num_queries(3):
        found = selectors.get_shipments(references=["R1", "R2", "R3"])
        lines = [line.sku for parcel in found["R1"] for line in parcel.lines.all()]
        steps = [step.status for parcel in found["R1"] for step in parcel.events.all()]

    assert found == {"R1": [first, second], "R2": [third], "R3": []}
    assert lines == ["A", "A", "B"]
    assert steps == ["packed", "packed"]


def test_units_in_parcels_add_up_by_sku():
    ShipmentFactory(reference="R1", units={"A": 1})
    ShipmentFactory(reference="R1", units={"A": 2, "B": 3})
    ShipmentFactory(reference="R2", units={"A": 9})

    assert selectors.get_parcelled_units(reference="R1") == {"A": 3, "B": 3}
    assert selectors.get_parcelled_units(reference="R3") == {}


def test_only_an_active_method_can_be_chosen():
    method = ShippingMethodFactory()

    assert selectors.get_active_method(method_id=method.pk) == method
    for method_id in (ShippingMethodFactory(is_active=False).pk, 0, 2**63):
        with pytest.raises(ShippingMethodNotFound):
            selectors.get_active_method(method_id=method_id)


def test_the_default_address_is_the_users_own():
    address = AddressFactory(is_default=True)
    AddressFactory(user=address.user)

    assert selectors.get_default_address(user=address.user) == address
    assert selectors.get_default_address(user=UserFactory()) is None


def test_a_person_gets_everything_that_is_kept_and_is_forgotten():
    kept = AddressFactory()
    address = AddressFactory(is_default=True, user__username="ada")
    shipment = ShipmentFactory(customer=address.user, reference="R1", units={"A": 2})

    assert services.export_customer(user_id=address.user.pk) == {
        "addresses": [
            {
                "full_name": "Ada Lovelace",
                "line1": "12 St James's Square",
                "line2": "",
                "city": "London",
                "region": "",
                "postal_code": "SW1Y 4JH",
                "country": "GB",
                "phone": "",
                "is_default": True,
                "created_at": address.created_at.isoformat(),
            }
        ],
        "shipments": [
            {
                "order": "R1",
                "status": "packed",
                "carrier": "",
                "tracking_number": shipment.tracking_number,
                "created_at": shipment.created_at.isoformat(),
                "lines": [{"sku": "A", "name": "Item A", "quantity": 2}],
                "events": [
                    {"status": event.status, "at": event.created_at.isoformat()}
                    for event in shipment.events.all()
                ],
            }
        ],
    }
    services.forget_customer(user_id=address.user.pk)

    assert list(Address.objects.all()) == [kept]
    shipment.refresh_from_db()


def test_a_basket_beyond_all_bounds_is_weighed_like_any_other():
    ShippingMethodFactory(max_subtotal_minor=1000)
    free = ShippingMethodFactory(min_subtotal_minor=1000, min_weight_grams=1)

    [offer] = selectors.get_quotes(
        country="GB",
        region="",
        subtotal=Money(10**21, "GBP"),
        weight_grams=10**21,
        today=date(2026, 11, 20),
    )

    assert offer.method == free
