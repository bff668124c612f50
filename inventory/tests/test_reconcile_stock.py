"""The command that holds the counters against the books."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from inventory import services
from inventory.models import Reservation, StockLevel, StockMovement
from inventory.services import reconciling
from inventory.tests.factories import LocationFactory, StockLevelFactory

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture
def level():
    level = StockLevelFactory(on_hand=9)
    with transaction.atomic():
        services.reserve(quantities={level.item_id: 3}, reference="A", expires_at=None)
        services.reserve(quantities={level.item_id: 2}, reference="B", expires_at=None)
        services.release(reference="B")
    return level


def reconcile(*arguments):
    """Return what the command printed and whether it was content."""
    out = StringIO()
    try:
        call_command("reconcile_stock", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def counters(level):
    level.refresh_from_db()
    return level.on_hand, level.reserved


def test_a_shop_whose_books_are_in_order_passes(level):
    StockLevelFactory(item=level.item, location=LocationFactory())

    assert reconcile() == ("2 levels looked at, 0 wrong, 0 mended.\n", None)


@pytest.mark.parametrize("wrong", [{"on_hand": 8}, {"reserved": 4}, {"on_hand": 20, "reserved": 0}])
def test_a_wrong_counter_is_printed_and_left_alone(level, wrong):
    StockLevel.objects.filter(pk=level.pk).update(**wrong)
    before = counters(level)

    printed, failure = reconcile()

    assert f"{level.item.sku} at main (level {level.pk})" in printed
    assert "ledger 9" in printed
    assert failure == "1 levels are not what their books say."
    assert counters(level) == before


@pytest.mark.parametrize("wrong", [{"on_hand": 8}, {"reserved": 4}, {"on_hand": 20, "reserved": 0}])
def test_a_wrong_counter_is_mended_and_the_books_are_not_touched(level, wrong):
    StockLevel.objects.filter(pk=level.pk).update(**wrong)
    movements = StockMovement.objects.count()

    printed, failure = reconcile("--repair")

    assert "1 wrong, 1 mended" in printed
    assert failure is None
    assert counters(level) == (9, 3)
    assert StockMovement.objects.count() == movements
    assert reconcile() == ("1 levels looked at, 0 wrong, 0 mended.\n", None)


def test_books_that_contradict_each_other_are_left_to_a_person(level):
    Reservation.objects.held().update(quantity=4)

    printed, failure = reconcile("--repair")

    assert "reserved 3, ledger 3, held 4" in printed
    assert "contradict" in printed
    assert failure is not None
    assert counters(level) == (9, 3)


def test_a_ledger_below_what_is_held_is_left_to_a_person(level):
    StockMovement.objects.create(level=level, kind="adjustment", on_hand_delta=-7)

    _, failure = reconcile("--repair")

    assert failure is not None
    assert counters(level) == (9, 3)


def test_one_sku_can_be_looked_at_alone(level):
    other = StockLevelFactory(on_hand=2)
    StockLevel.objects.update(on_hand=7)

    printed, _ = reconcile("--only", other.item.sku, "--repair")

    assert printed.endswith("1 levels looked at, 1 wrong, 1 mended.\n")
    assert (counters(other), counters(level)) == ((2, 0), (7, 3))
    assert reconcile("--only", "nothing")[1] == "There is no SKU nothing."


def test_what_is_right_by_the_time_of_the_repair_is_not_touched(level):
    assert reconciling.mend_level(level_id=level.pk) is True
    assert counters(level) == (9, 3)


def test_many_levels_are_looked_at_in_few_statements(monkeypatch, django_assert_num_queries):
    StockLevelFactory.create_batch(7, on_hand=1)
    monkeypatch.setattr(reconciling, "BATCH", 3)

    with django_assert_num_queries(4):
        batches = list(reconciling.look_through())

    assert [len(batch) for batch in batches] == [3, 3, 1]
