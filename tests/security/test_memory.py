"""When the memory of a server under attack counts as a finding."""

import os

import pytest

from tests.security import memory


@pytest.mark.parametrize(
    ("before", "half_way", "after", "peak", "words"),
    [
        (96, 125, 133, 150, ""),
        (96, 100, 145, 150, "grew by 49 MB"),
        (96, 96, 109, 150, "13 MB in the second half"),
        (96, 125, 133, 401, "held 401 MB"),
    ],
)
def test_memory_that_does_not_level_off_is_told(
    before: float, half_way: float, after: float, peak: float, words: str
) -> None:
    told = list(memory.faults(before, half_way, after, peak=peak))

    assert words in told[0] if words else not told


def test_what_is_held_is_measured_before_and_after() -> None:
    with memory.watched(lambda: [os.getpid()]) as held:
        assert len(held) == 1

    assert len(held) == 2
    assert all(mb > 1 for mb in held)
