"""Two at once, on a real PostgreSQL."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders.models import Order
from orders.tests.trade import buyer, manager, place_and_pay
from shipping import services
from shipping.errors import IllegalShipmentTransition, TooManyAddresses, ZoneInUse, ZoneNotFound
from shipping.events import ShipmentShipped
from shipping.models import Address, Shipment, ShipmentEvent, ShippingMethod, Zone
from shipping.ports import fulfilment
from shipping.tests.factories import (
    AddressFactory,
    ShipmentFactory,
    ShippingMethodFactory,
    ZoneFactory,
)
from shop_backend.kernel import events
from shop_backend.kernel.errors import ShopError

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

ADDRESS = {"full_name": "A", "line1": "B", "city": "C", "country": "HK"}


def all_at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each call in a thread of its own, started together; return results and refusals."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        barrier.wait()
        try:
            outcomes[index] = calls[index]()
        except ShopError as refusal:
            outcomes[index] = refusal
        except Exception as error:  # told to the test, which compares exactly
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_of_many_made_default_at_once_one_is_the_default():
    user = UserFactory()
    addresses = AddressFactory.create_batch(8, user=user)

    outcomes = all_at_once(
        [
            lambda pk=address.pk: services.change_address(
                user=user, address_id=pk, fields={"is_default": True}
            )
            for address in addresses
        ]
    )

    assert sorted(address.pk for address in outcomes) == [address.pk for address in addresses]
    assert Address.objects.filter(default_for=user.pk).count() == 1


def test_of_many_first_addresses_at_once_one_is_the_default():
    user = UserFactory()

    outcomes = all_at_once([lambda: services.add_address(user=user, fields=ADDRESS)] * 8)

    assert all(isinstance(outcome, Address) for outcome in outcomes)
    assert Address.objects.filter(user=user).count() == 8
    assert Address.objects.filter(default_for=user.pk).count() == 1


def test_many_at_once_do_not_overfill_the_address_book():
    user = UserFactory()
    AddressFactory.create_batch(services.MAX_ADDRESSES - 2, user=user)

    outcomes = all_at_once([lambda: services.add_address(user=user, fields=ADDRESS)] * 8)

    assert sum(isinstance(outcome, TooManyAddresses) for outcome in outcomes) == 6
    assert Address.objects.filter(user=user).count() == services.MAX_ADDRESSES


def test_default_deleted_and_another_made_default_at_once_leave_one_default():
    user = UserFactory()
    for _ in range(5):
        Address.objects.filter(user=user).delete()
        default = AddressFactory(user=user, is_default=True)
        others = AddressFactory.create_batch(3, user=user)

        all_at_once(
            [
                lambda pk=default.pk: services.delete_address(user=user, address_id=pk),
                lambda pk=others[0].pk: services.change_address(
                    user=user, address_id=pk, fields={"is_default": True}
                ),
            ]
        )

        assert Address.objects.filter(default_for=user.pk).count() == 1


class OrderWithoutLock:
    """Stands for the app above, which would let one of them in at a time."""

    def lock(self, *, reference):
        """Leave the race to the parcel's own lock."""


def test_a_parcel_leaves_once_however_many_say_so():
    shipment, actor = ShipmentFactory(), StaffFactory(role="warehouse")

    with fulfilment.answered_by(OrderWithoutLock()), events.subscribed({ShipmentShipped: []}):
        outcomes = all_at_once(
            [lambda: services.mark_shipped(shipment_id=shipment.pk, actor_id=actor.pk)] * 8
        )

    assert sum(isinstance(outcome, IllegalShipmentTransition) for outcome in outcomes) == 7
    assert ShipmentEvent.objects.filter(status="shipped").count() == 1


def test_a_zone_never_vanishes_from_under_a_method():
    for number in range(5):
        zone = ZoneFactory(areas=["GB"])
        fields = {"name": "A", "code": f"a{number}", "price_minor": 1, "zone_ids": [zone.pk]}

        made, deleted = all_at_once(
            [
                lambda fields=fields: services.save_method(method_id=None, fields=fields),
                lambda pk=zone.pk: services.delete_zone(zone_id=pk),
            ]
        )

        if isinstance(made, ShippingMethod):
            assert isinstance(deleted, ZoneInUse)
            assert list(made.zones.all()) == [zone]
        else:
            assert isinstance(made, ZoneNotFound)
            assert deleted is None
            assert not Zone.objects.filter(pk=zone.pk).exists()


def test_a_method_is_deleted_with_the_rates_it_gets_at_that_moment():
    for _ in range(20):
        method = ShippingMethodFactory()
        rates = [{"from_weight_grams": number, "price_minor": 1} for number in range(1, 50)]

        _, deleted = all_at_once(
            [
                lambda pk=method.pk, rates=rates: services.save_method(
                    method_id=pk, fields={"rates": rates}
                ),
                lambda pk=method.pk: services.delete_method(method_id=pk),
            ]
        )

        assert deleted is None
        assert not ShippingMethod.objects.exists()


@pytest.fixture
def packed():
    """A real order of two units, packed into one parcel and not yet sent."""
    ShippingMethodFactory()
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 2))
    return services.create_shipment(reference=order.number, lines=None, actor_id=None)


def patch(user, path, body):
    client = APIClient()
    client.force_authenticate(user)
    return client.patch(path, body, format="json").status_code


@pytest.mark.parametrize("step", ["shipped", "delivered"])
def test_a_parcel_and_its_order_are_moved_on_at_once_and_it_happens_once(packed, step):
    actor = manager()
    order = Order.objects.get(number=packed.reference)
    if step == "delivered":
        services.mark_shipped(shipment_id=packed.pk, actor_id=actor.pk)
    parcel = f"/api/shipping/shipments/{packed.pk}/"

    outcomes = all_at_once(
        [
            lambda: patch(actor, parcel, {"status": step}),
            lambda: patch(actor, f"/api/orders/{order.number}/", {"status": step}),
        ]
        * 4
    )

    assert sorted(outcomes) == [200] + [409] * 7
    packed.refresh_from_db()
    order.refresh_from_db()
    assert (packed.status, order.status) == (step, step)
    assert ShipmentEvent.objects.filter(shipment=packed, status=step).count() == 1
    level = StockLevel.objects.get()
    assert (level.on_hand, level.reserved) == (3, 0)


def test_a_parcel_shipped_while_its_order_is_cancelled_is_one_or_the_other(packed):
    actor = manager()
    order = Order.objects.get(number=packed.reference)

    outcomes = all_at_once(
        [
            lambda: patch(actor, f"/api/shipping/shipments/{packed.pk}/", {"status": "shipped"}),
            lambda: patch(actor, f"/api/orders/{order.number}/", {"status": "cancelled"}),
        ]
    )

    order.refresh_from_db()
    packed.refresh_from_db()
    level = StockLevel.objects.get()
    assert outcomes.count(200) >= 1
    assert 500 not in outcomes
    if order.status == Order.Status.SHIPPED:
        assert (packed.status, level.on_hand, level.reserved) == ("shipped", 3, 0)
    else:
        assert order.status == Order.Status.CANCELLED
        assert (packed.status, level.on_hand, level.reserved) == ("cancelled", 5, 0)


@pytest.mark.parametrize("move", [services.mark_shipped, services.mark_delivered])
def test_the_order_is_locked_before_its_parcel(packed, move):
    if move is services.mark_delivered:
        services.mark_shipped(shipment_id=packed.pk, actor_id=None)

    with CaptureQueriesContext(connection) as queries:
        move(shipment_id=packed.pk, actor_id=None)

    locks = [query["sql"] for query in queries if "FOR UPDATE" in query["sql"]]
    tables = [table for sql in locks for table in (Order, Shipment) if _locks(sql, table)]
    assert tables[:2] == [Order, Shipment]


def _locks(sql: str, model: Any) -> bool:
    return f'FROM "{model._meta.db_table}"' in sql
