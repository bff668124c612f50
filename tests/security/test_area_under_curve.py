"""The judge of times: what is apart is told apart, what is not is left to chance."""

import random

import pytest

from tests.security.enumeration import Finding, area_under_curve


def test_the_area_is_the_chance_that_the_known_is_the_slower():
    assert area_under_curve([2, 3], [0, 1]).area == 1
    assert area_under_curve([0, 1], [2, 3]).area == 0
    assert area_under_curve([1, 1], [1, 1]).area == 0.5
    assert area_under_curve([0, 2], [1, 1]).area == 0.5


def test_a_small_difference_is_seen_in_enough_samples_and_nothing_where_there_is_none():
    chance = random.Random(7)
    same, more = ([chance.gauss(0, 1) for _ in range(5000)] for _ in range(2))
    later = [value + 0.1 for value in more]

    assert area_under_curve(later, same).side == 1
    assert area_under_curve(more, same).side == 0


@pytest.mark.parametrize(
    ("runs", "tells"), [([1], False), ([1, 1], True), ([1, -1], False), ([1, 0], False)]
)
def test_only_two_runs_that_agree_tell_something(runs, tells):
    sides = {1: ([5, 6, 7], [1, 2, 3]), -1: ([1, 2, 3], [5, 6, 7]), 0: ([1, 2], [1, 2])}
    finding = Finding("door", 3, answers=1, runs=[area_under_curve(*sides[side]) for side in runs])

    assert finding.tells_by_time is tells
