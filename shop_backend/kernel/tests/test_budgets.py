"""Budgets: how often something may be done, whoever asks at the same time."""

import threading

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from shop_backend.kernel import budgets
from shop_backend.kernel.budgets import IN_DATABASE, MemoryStore, Rate
from shop_backend.kernel.models import SpentBudget

SECOND = 1_000_000


def test_a_rate_says_how_many_in_how_long():
    assert Rate.parse("30/min") == Rate(30, 60)
    assert Rate.parse("10/15min") == Rate(10, 900)
    assert Rate.parse("1/2day").interval == 2 * 86_400 * SECOND


@pytest.mark.parametrize("text", ["", "30", "0/min", "-1/min", "3/week", "3/min ", "x/min"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="is no rate"):
        Rate.parse(text)


@pytest.mark.portable
@pytest.mark.django_db
def test_a_budget_is_spent_at_once_and_comes_back_evenly():
    rate, now = Rate(3, 60), 10**15

    first = [budgets.spend("k", rate, now=now) for _ in range(4)]
    too_early = budgets.spend("k", rate, now=now + 19 * SECOND - 1)
    one_more = budgets.spend("k", rate, now=now + 19 * SECOND)
    and_no_other = budgets.spend("k", rate, now=now + 19 * SECOND)

    assert [verdict.is_allowed for verdict in first] == [True, True, True, False]
    assert [verdict.remaining for verdict in first] == [2, 1, 0, 0]
    assert [verdict.reset_seconds for verdict in first] == [20, 40, 60, 60]
    assert first[3].retry_after_seconds == 19
    assert (too_early.is_allowed, one_more.is_allowed, and_no_other.is_allowed) == (
        False,
        True,
        False,
    )


@pytest.mark.django_db
def test_a_refusal_costs_nothing():
    rate, now = Rate(1, 60), 10**15
    budgets.spend("k", rate, now=now)

    for second in range(1, 59):
        assert not budgets.spend("k", rate, now=now + second * SECOND).is_allowed

    assert budgets.spend("k", rate, now=now + 60 * SECOND).is_allowed


@pytest.mark.portable
@pytest.mark.django_db
def test_requests_that_are_counted_in_another_order_than_they_came_all_count():
    rate, now = Rate(3, 60), 10**15

    verdicts = [budgets.spend("k", rate, now=now - early) for early in range(4)]

    assert [verdict.is_allowed for verdict in verdicts] == [True, True, True, False]


@pytest.mark.django_db
def test_a_forgotten_budget_is_whole_and_nobody_elses_is_touched():
    rate, now = Rate(1, 60), 10**15
    budgets.spend("mine", rate, now=now)
    budgets.spend("theirs", rate, now=now)

    IN_DATABASE.forget("mine")

    assert budgets.spend("mine", rate, now=now).is_allowed
    assert not budgets.spend("theirs", rate, now=now).is_allowed


@pytest.mark.portable
@pytest.mark.django_db
def test_rows_that_say_nothing_any_more_are_deleted():
    budgets.spend("long ago", Rate(1, 60), now=SECOND)
    budgets.spend("now", Rate(1, 60))

    assert budgets.delete_whole_budgets() == 1
    assert [row.pk for row in SpentBudget.objects.all()] == ["now"]


def test_what_a_process_remembers_is_bounded(monkeypatch):
    monkeypatch.setattr(budgets, "_MOST_IN_MEMORY", 10)
    store, rate, now = MemoryStore(), Rate(1, 60), 10**15

    for number in range(100):
        store.spend(f"caller {number}", rate, now)

    assert len(store._spent_until) <= 10


@given(
    number=st.integers(1, 5),
    steps=st.lists(st.integers(0, 40 * SECOND), min_size=1, max_size=30),
)
@pytest.mark.django_db
def test_both_stores_say_the_same_and_no_minute_sees_twice_the_budget(number, steps):
    rate, now, memory, allowed = Rate(number, 60), 10**15, MemoryStore(), []
    IN_DATABASE.forget("k")

    for step in steps:
        now += step
        verdict = budgets.spend("k", rate, now=now)
        assert budgets.spend("k", rate, store=memory, now=now) == verdict
        allowed += [now] * verdict.is_allowed

    for moment in allowed:
        assert sum(moment <= other < moment + 60 * SECOND for other in allowed) < 2 * number + 1


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_tries_at_once_exactly_the_budget_passes():
    rate, barrier, verdicts = Rate(10, 3600), threading.Barrier(20), []

    def try_five_times():
        barrier.wait()
        verdicts.extend(budgets.spend("k", rate).is_allowed for _ in range(5))
        connection.close()

    threads = [threading.Thread(target=try_five_times) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(verdicts) == [False] * 90 + [True] * 10
