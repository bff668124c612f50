"""Two at once, on a real PostgreSQL."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from accounts.tests.factories import StaffFactory, UserFactory
from shipping import services
from shipping.errors import IllegalShipmentTransition, TooManyAddresses, ZoneInUse, ZoneNotFound
from shipping.models import Address, ShipmentEvent, ShippingMethod, Zone
from shipping.ports import fulfilment
from shipping.tests.factories import AddressFactory, ShipmentFactory, ZoneFactory
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


def test_a_parcel_leaves_once_however_many_say_so(monkeypatch):
    monkeypatch.setattr(events, "_subscribers", {})
    monkeypatch.setattr(fulfilment, "_answerer", OrderWithoutLock())
    shipment, actor = ShipmentFactory(), StaffFactory(role="warehouse")

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
