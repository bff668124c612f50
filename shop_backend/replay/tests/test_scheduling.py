"""No two orders in flight want one SKU at different prices."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shop_backend.replay.scheduling import Schedule
from shop_backend.replay.tests.recordings import invoice, planned

PRICES = {"LAMP": 200, "MUG": 100, "BOWL": 300}


def orders(*lines, customers=None):
    """Return an order of one SKU a line: (SKU, price in pounds)."""
    return planned(
        *[
            invoice(str(place), (sku, 1, price), customer=(customers or {}).get(place, str(place)))
            for place, (sku, price) in enumerate(lines)
        ]
    ).orders


def test_the_order_that_needs_no_new_price_goes_first():
    dear, usual = orders(("MUG", "1.20"), ("MUG", "1.00"))

    assert Schedule([dear, usual], PRICES).take() == usual


def test_an_order_waits_for_another_price_until_it_is_free():
    usual, dear = orders(("MUG", "1.00"), ("MUG", "1.20"))
    schedule = Schedule([usual, dear], PRICES)
    schedule.take()

    assert schedule.take() is None

    schedule.finish(usual)
    assert schedule.take() == dear


def test_the_present_price_is_no_permission_while_another_is_wanted():
    dear, usual = orders(("MUG", "1.20"), ("MUG", "1.00"))
    schedule = Schedule([dear], PRICES)
    schedule.take()  # about to change the price

    assert not schedule._may_start(usual)


def test_orders_of_one_price_go_side_by_side_once_it_is_set():
    first, second = orders(("MUG", "1.20"), ("MUG", "1.20"))
    schedule = Schedule([first, second], PRICES)
    schedule.take()
    assert schedule.take() is None

    schedule.price_changed("MUG", 120)

    assert schedule.take() == second


def test_a_customer_has_one_order_at_a_time_and_the_unknown_many():
    known = Schedule(orders(("MUG", "1.00"), ("BOWL", "3.00"), customers={0: "7", 1: "7"}), PRICES)
    unknown = Schedule(orders(("MUG", "1.00"), ("BOWL", "3.00"), customers={0: "", 1: ""}), PRICES)

    assert [known.take() is None for _ in range(2)] == [False, True]
    assert [unknown.take() is None for _ in range(2)] == [False, False]


@settings(deadline=None)
@given(st.data())
def test_every_order_gets_its_turn_at_its_own_prices(data):
    some_lines = st.dictionaries(
        st.sampled_from(sorted(PRICES)), st.integers(1, 3), min_size=1, max_size=2
    )
    wanted = data.draw(st.lists(some_lines, max_size=12))
    plan = planned(
        *[
            invoice(
                str(place),
                *[(sku, 1, str(pounds)) for sku, pounds in lines.items()],
                customer=str(place),
            )
            for place, lines in enumerate(wanted)
        ]
    )
    schedule = Schedule(plan.orders, PRICES)
    prices = dict(PRICES)
    changing = []  # started, and its prices not yet set
    in_flight = []
    done = []

    while len(schedule) or changing or in_flight:
        order = schedule.take() if data.draw(st.booleans()) or not changing + in_flight else None
        if order is not None:
            changing.append(order)
        elif changing and (not in_flight or data.draw(st.booleans())):
            one = changing.pop(data.draw(st.integers(0, len(changing) - 1)))
            for sku, price in schedule.changes_for(one).items():
                prices[sku] = price
                schedule.price_changed(sku, price)
            in_flight.append(one)
        elif in_flight:
            finished = in_flight.pop(data.draw(st.integers(0, len(in_flight) - 1)))
            schedule.finish(finished)
            done.append(finished.name)
        for one in in_flight:
            assert all(prices[sku] == price for sku, price in one.prices.items())

    assert sorted(done) == sorted(order.name for order in plan.orders)
