"""A parcel that holds more than the order has left."""

import pytest

from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders.errors import NotLeftToShip
from orders.tests.trade import buyer, place_and_pay
from shipping import services as shipping
from shipping.models import Shipment, ShipmentLine


@pytest.mark.portable
@pytest.mark.django_db
def test_a_parcel_with_more_than_was_ordered_does_not_leave_the_house():
    variant = VariantFactory(stock=9)
    order = place_and_pay(buyer(), (variant, 2))
    parcel = shipping.create_shipment(reference=order.number, lines=None, actor_id=None)
    ShipmentLine.objects.filter(shipment=parcel).update(quantity=3)  # nobody can ask for that

    with pytest.raises(NotLeftToShip):
        shipping.mark_shipped(shipment_id=parcel.pk, actor_id=None)

    assert order.lines.get().shipped_quantity == 0
    assert Shipment.objects.get().status == Shipment.Status.PACKED
    level = StockLevel.objects.get(item_id=variant.stock_item_id)
    assert (level.on_hand, level.reserved) == (9, 2)
