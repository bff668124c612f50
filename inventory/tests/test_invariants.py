"""Stock is never negative, never sold twice, and always what the ledger says."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import errors, selectors, services
from inventory.models import (
    MAX_UNITS,
    Location,
    Reservation,
    StockItem,
    StockLevel,
    StockMovement,
)
from inventory.tests.factories import LocationFactory, StockItemFactory, StockLevelFactory

pytestmark = pytest.mark.django_db


def reserve(level, units, reference="ORDER-1"):
    services.reserve(quantities={level.item_id: units}, reference=reference, expires_at=None)


def counters(level):
    level.refresh_from_db()
    return level.on_hand, level.reserved


def assert_invariants():
    for level in StockLevel.objects.all():
        assert 0 <= level.reserved <= level.on_hand  # I1
        booked = level.movements.aggregate(h=Sum("on_hand_delta"), r=Sum("reserved_delta"))
        assert (booked["h"] or 0, booked["r"] or 0) == (level.on_hand, level.reserved)  # I2
        assert level.reservations.held().units() == level.reserved  # I3


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["reserve", "release", "commit", "adjust", "count", "set", "return", "transfer"]
        ),
        st.integers(0, 1),
        st.integers(1, 8),
        st.sampled_from(["A", "B", "C"]),
    ),
    max_size=25,
)


def take_step(step, item, other, reference, units):
    main, annex = Location.objects.order_by("pk")
    quantities = {item.pk: units, other.pk: 1}
    say = {"reason": "test", "actor_id": None}
    if step == "reserve":
        services.reserve(quantities=quantities, reference=reference, expires_at=None)
    elif step == "release":
        services.release(reference=reference)
    elif step == "commit":
        services.commit(reference=reference, quantities=quantities)
    elif step == "adjust":
        delta = units if units % 2 else -units
        services.adjust(item_id=item.pk, location_id=annex.pk, delta=delta, **say)
    elif step == "count":
        services.count(item_id=item.pk, location_id=main.pk, counted=units, **say)
    elif step == "set":
        services.set_available(item_id=item.pk, available=units, **say)
    elif step == "return":
        services.take_back(reference=reference, quantities=quantities, **say)
    else:
        services.transfer(
            item_id=item.pk, source_id=main.pk, target_id=annex.pk, quantity=units, **say
        )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
def test_stock_agrees_with_ledger_and_holds_whatever_is_done_in_any_order(steps):
    with transaction.atomic():
        LocationFactory(priority=200)
        items = [StockLevelFactory(on_hand=6).item, StockLevelFactory(on_hand=3).item]

        for step, which, units, reference in steps:
            try:
                with transaction.atomic():
                    take_step(step, items[which], items[1 - which], reference, units)
            except (
                errors.InsufficientStock,
                errors.NotReserved,
                errors.StockElsewhere,
                errors.UnitsReserved,
            ):
                pass
            assert_invariants()

        transaction.set_rollback(True)


@pytest.mark.portable
@transaction.atomic
def test_reserving_puts_units_aside_and_writes_it_down():
    level = StockLevelFactory(on_hand=5)
    expires_at = timezone.now() + timedelta(minutes=30)

    services.reserve(quantities={level.item_id: 3}, reference="ORDER-1", expires_at=expires_at)

    assert counters(level) == (5, 3)
    reservation = Reservation.objects.get()
    assert (reservation.quantity, reservation.reference) == (3, "ORDER-1")
    assert (reservation.status, reservation.expires_at) == ("held", expires_at)
    movement = StockMovement.objects.get(kind="reservation")
    assert (movement.on_hand_delta, movement.reserved_delta) == (0, 3)
    assert movement.reference == "ORDER-1"
    assert selectors.get_availability([level.item_id]) == {level.item_id: 2}


@pytest.mark.portable
def test_a_shortage_on_one_item_reserves_nothing_of_the_others():
    plenty, short = StockLevelFactory(on_hand=9), StockLevelFactory(on_hand=1)

    with pytest.raises(errors.InsufficientStock) as refusal, transaction.atomic():
        services.reserve(
            quantities={plenty.item_id: 1, short.item_id: 2}, reference="A", expires_at=None
        )

    assert refusal.value.params == {"sku": short.item.sku, "requested": 2, "available": 1}
    assert refusal.value.item_ids == {short.item_id}
    assert (counters(plenty), counters(short)) == ((9, 0), (1, 0))
    assert not Reservation.objects.exists()
    assert not StockMovement.objects.filter(kind="reservation").exists()


def test_the_guard_refuses_what_was_sold_between_the_look_and_the_update(monkeypatch):
    level = StockLevelFactory(on_hand=5)
    book = services.holding.book

    def sold_meanwhile(changes, **kwargs):
        StockLevel.objects.filter(pk=level.pk).update(reserved=F("reserved") + 4)
        book(changes, **kwargs)

    monkeypatch.setattr(services.holding, "book", sold_meanwhile)
    with pytest.raises(errors.InsufficientStock) as refusal, transaction.atomic():
        reserve(level, 2)

    assert refusal.value.params["available"] == 1
    assert not Reservation.objects.exists()


@pytest.mark.portable
@transaction.atomic
def test_releasing_gives_the_units_back_once():
    level = StockLevelFactory(on_hand=5)
    reserve(level, 3)

    services.release(reference="ORDER-1")
    services.release(reference="ORDER-1")

    assert counters(level) == (5, 0)
    assert StockMovement.objects.filter(kind="release").count() == 1
    assert Reservation.objects.get().status == "released"


@pytest.mark.portable
@transaction.atomic
def test_goods_leave_in_parts_and_the_rest_stays_reserved():
    level = StockLevelFactory(on_hand=5)
    reserve(level, 3)

    services.commit(reference="ORDER-1", quantities={level.item_id: 2})

    assert counters(level) == (3, 1)
    rows = Reservation.objects.order_by("pk").values_list("status", "quantity")
    assert list(rows) == [("held", 1), ("committed", 2)]
    services.commit(reference="ORDER-1", quantities={level.item_id: 1})
    assert counters(level) == (2, 0)
    assert_invariants()


def test_goods_that_are_not_reserved_do_not_leave():
    level = StockLevelFactory(on_hand=5)
    with transaction.atomic():
        reserve(level, 2)
        reserve(level, 3, reference="OTHER")

    with pytest.raises(errors.NotReserved), transaction.atomic():
        services.commit(reference="ORDER-1", quantities={level.item_id: 3})

    assert counters(level) == (5, 5)


@transaction.atomic
def test_an_expiry_can_be_moved_and_lifted():
    level = StockLevelFactory(on_hand=5)
    reserve(level, 2)
    later = timezone.now() + timedelta(days=7)

    services.extend_hold(reference="ORDER-1", expires_at=later)

    assert Reservation.objects.get().expires_at == later
    services.extend_hold(reference="ORDER-1", expires_at=None)
    assert Reservation.objects.get().expires_at is None


@transaction.atomic
def test_goods_that_come_back_are_on_hand_again():
    level = StockLevelFactory(on_hand=5)
    reserve(level, 2)
    services.commit(reference="ORDER-1", quantities={level.item_id: 2})

    services.take_back(
        reference="ORDER-1", quantities={level.item_id: 1}, reason="wrong size", actor_id=7
    )

    assert counters(level) == (4, 0)
    movement = StockMovement.objects.get(kind="return")
    assert (movement.on_hand_delta, movement.reason, movement.actor_id) == (1, "wrong size", 7)


@transaction.atomic
def test_what_came_back_damaged_is_in_the_ledger_and_not_on_the_shelf():
    level = StockLevelFactory(on_hand=5)
    annex = LocationFactory()

    services.take_back(
        reference="ORDER-1",
        quantities={level.item_id: 3},
        damaged={level.item_id: 2},
        location_id=annex.pk,
        reason="wrong size",
        actor_id=7,
    )

    there = StockLevel.objects.get(location=annex)
    assert (counters(level), counters(there)) == ((5, 0), (1, 0))
    booked = there.movements.order_by("pk").values_list("kind", "on_hand_delta", "actor_id")
    assert list(booked) == [("return", 3, 7), ("adjustment", -2, 7)]
    assert_invariants()
    for damaged in ({level.item_id: 4}, {level.item_id: 0}):
        with pytest.raises(ValueError, match="Damaged"), transaction.atomic():
            services.take_back(
                reference="X", quantities={level.item_id: 3}, damaged=damaged, reason=""
            )


def test_no_more_comes_back_than_a_level_can_hold():
    level = StockLevelFactory(on_hand=MAX_UNITS)

    with pytest.raises(errors.TooManyUnits), transaction.atomic():
        services.take_back(reference="A", quantities={level.item_id: 1}, reason="")

    assert counters(level) == (MAX_UNITS, 0)


@transaction.atomic
def test_untracked_items_are_never_counted():
    item = StockItemFactory(is_tracked=False)

    services.reserve(quantities={item.pk: 5000}, reference="A", expires_at=None)
    services.commit(reference="A", quantities={item.pk: 5000})
    services.take_back(reference="A", quantities={item.pk: 1}, reason="", actor_id=None)
    services.release(reference="A")

    assert not StockMovement.objects.exists()
    assert selectors.get_availability([item.pk]) == {item.pk: None}


@transaction.atomic
def test_one_location_that_has_all_comes_before_two_that_have_some():
    near, far = LocationFactory(priority=1), LocationFactory(priority=2)
    some = StockLevelFactory(on_hand=2, location=near)
    most = StockLevelFactory(on_hand=4, location=far, item=some.item)

    reserve(some, 3)

    assert (counters(some), counters(most)) == ((2, 0), (4, 3))


@transaction.atomic
def test_an_order_is_split_over_locations_by_priority_when_none_has_all():
    near, far = LocationFactory(priority=1), LocationFactory(priority=2)
    closed = LocationFactory(priority=0, is_active=False)
    some = StockLevelFactory(on_hand=2, location=near)
    most = StockLevelFactory(on_hand=4, location=far, item=some.item)
    StockLevelFactory(on_hand=9, location=closed, item=some.item)

    reserve(some, 5)

    assert (counters(some), counters(most)) == ((2, 2), (4, 3))
    services.release(reference="ORDER-1")
    assert (counters(some), counters(most)) == ((2, 0), (4, 0))
    assert selectors.get_availability([some.item_id]) == {some.item_id: 6}


@transaction.atomic
def test_what_is_available_can_be_set_without_touching_what_is_reserved():
    level = StockLevelFactory(on_hand=5)
    reserve(level, 3)

    services.set_available(item_id=level.item_id, available=10, reason="count", actor_id=7)

    assert counters(level) == (13, 3)
    movement = StockMovement.objects.get(kind="adjustment")
    assert (movement.on_hand_delta, movement.actor_id) == (8, 7)


@transaction.atomic
def test_setting_what_is_available_to_what_it_is_changes_nothing_at_any_location():
    level = StockLevelFactory(on_hand=5)
    StockLevelFactory(on_hand=4, item=level.item, location=LocationFactory())

    services.set_available(item_id=level.item_id, available=9, reason="", actor_id=None)

    assert counters(level) == (5, 0)
    with pytest.raises(errors.StockElsewhere):
        services.set_available(item_id=level.item_id, available=3, reason="", actor_id=None)


def test_holding_services_refuse_to_run_outside_a_transaction():
    connection.in_atomic_block, was = False, connection.in_atomic_block
    try:
        with pytest.raises(RuntimeError, match="needs a transaction"):
            services.reserve(quantities={}, reference="A", expires_at=None)
    finally:
        connection.in_atomic_block = was


def test_a_quantity_below_one_is_a_programming_error():
    level = StockLevelFactory(on_hand=5)

    with pytest.raises(ValueError, match="at least 1"), transaction.atomic():
        reserve(level, 0)

    assert counters(level) == (5, 0)


def run_sql(statement, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.portable
@pytest.mark.parametrize("columns", ["on_hand = -1", "reserved = 6", "reserved = -1"])
def test_the_database_refuses_impossible_levels(columns):
    level = StockLevelFactory(on_hand=5)

    with pytest.raises((IntegrityError, DatabaseError)):
        run_sql(f"UPDATE inventory_stocklevel SET {columns} WHERE id = %s", level.pk)

    assert counters(level) == (5, 0)


@pytest.mark.portable
def test_the_database_refuses_a_second_level_and_empty_rows():
    level = StockLevelFactory(on_hand=5)

    with pytest.raises(IntegrityError), transaction.atomic():
        StockLevel.objects.create(item=level.item, location=level.location)
    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.create(level=level, reference="A", quantity=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        StockMovement.objects.create(level=level, kind="receipt")
    with pytest.raises(IntegrityError), transaction.atomic():
        StockItem.objects.create(sku=level.item.sku)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE inventory_stockmovement SET on_hand_delta = 9", "DELETE FROM inventory_stockmovement"],
)
def test_the_database_refuses_to_change_the_ledger(statement):
    StockLevelFactory(on_hand=5)

    with pytest.raises(DatabaseError, match="append-only"):
        run_sql(statement)

    assert StockMovement.objects.get().on_hand_delta == 5
