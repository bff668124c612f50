"""Many buyers at the same shelf, on a real PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from inventory import errors, services
from inventory.events import StockLow
from inventory.models import StockLevel
from inventory.services import reconciling
from inventory.tests.factories import LocationFactory, StockLevelFactory
from shop_backend import wiring
from shop_backend.kernel import events, transactions

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def at_once(jobs):
    """Run the jobs on a thread and a connection each, started together; return the outcomes."""
    start = threading.Barrier(len(jobs), timeout=30)

    def run(job):
        try:
            connection.ensure_connection()
            start.wait()
            transactions.run(job)
        except errors.InsufficientStock as refusal:
            return refusal
        else:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def reserving(quantities, reference):
    return partial(
        services.reserve,
        quantities=quantities,
        reference=reference,
        expires_at=timezone.now() + timedelta(minutes=30),
    )


def test_twenty_buyers_of_seven_units_buy_exactly_seven():
    level = StockLevelFactory(on_hand=7)

    outcomes = at_once([reserving({level.item_id: 1}, f"BUYER-{n}") for n in range(20)])

    level.refresh_from_db()
    assert outcomes.count(None) == 7
    assert (level.on_hand, level.reserved) == (7, 7)
    assert level.reservations.held().units() == 7


def test_two_items_taken_in_opposite_order_do_not_deadlock():
    first, second = StockLevelFactory(on_hand=50), StockLevelFactory(on_hand=50)
    forth = {first.item_id: 1, second.item_id: 1}
    back = {second.item_id: 1, first.item_id: 1}

    outcomes = at_once([reserving(back if n % 2 else forth, f"BUYER-{n}") for n in range(20)])

    assert outcomes == [None] * 20
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {20}


def test_units_spread_over_locations_are_all_sold_and_none_twice():
    level = StockLevelFactory(on_hand=4)
    StockLevelFactory(on_hand=3, item=level.item, location=LocationFactory())

    outcomes = at_once([reserving({level.item_id: 1}, f"BUYER-{n}") for n in range(20)])

    assert outcomes.count(None) == 7
    assert sorted(StockLevel.objects.values_list("reserved", flat=True)) == [3, 4]


def test_one_reference_released_twenty_times_gives_its_units_back_once():
    level = StockLevelFactory(on_hand=9)
    transactions.run(reserving({level.item_id: 2}, "A"))
    transactions.run(reserving({level.item_id: 3}, "B"))

    at_once([partial(services.release, reference="A") for _ in range(20)])

    level.refresh_from_db()
    assert level.reserved == 3


def test_of_twenty_sales_at_once_one_tells_that_the_item_runs_low():
    news = []
    level = StockLevelFactory(on_hand=20)
    StockLevelFactory(on_hand=2, item=level.item, location=LocationFactory())
    events.subscribe({**wiring.SUBSCRIBERS, StockLow: [news.append]})
    try:
        outcomes = at_once([reserving({level.item_id: 1}, f"BUYER-{n}") for n in range(20)])
    finally:
        events.subscribe(wiring.SUBSCRIBERS)

    assert outcomes == [None] * 20
    assert news == [StockLow(item_id=level.item_id, available=5)]


def test_the_books_are_found_right_while_the_shop_sells():
    level = StockLevelFactory(on_hand=50)
    found = []

    def look():
        for batch in reconciling.look_through():
            found.extend(batch)

    sales = [reserving({level.item_id: 1}, f"BUYER-{n}") for n in range(10)]
    mends = [partial(reconciling.mend_level, level_id=level.pk) for _ in range(5)]
    assert at_once([*sales, *mends, *[look] * 5]) == [None] * 20

    level.refresh_from_db()
    assert (level.on_hand, level.reserved) == (50, 10)
    assert len(found) == 5
    assert all(books.is_right for books in found)


def test_a_counter_is_mended_while_the_shop_sells():
    level = StockLevelFactory(on_hand=50)
    StockLevel.objects.update(on_hand=40)
    sales = [reserving({level.item_id: 1}, f"BUYER-{n}") for n in range(10)]
    mends = [partial(reconciling.mend_level, level_id=level.pk) for _ in range(5)]

    assert at_once([*sales, *mends]) == [None] * 15

    level.refresh_from_db()
    assert (level.on_hand, level.reserved) == (50, 10)
