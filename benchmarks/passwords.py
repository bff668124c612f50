"""``python -m benchmarks.passwords``: what one login costs, and what a guess costs a thief.

Prints a table for docs/security.md. The floor is one SHA-256 of a kilobyte. Rounds are
interleaved, and the median counts.
"""

import hashlib
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import argon2
from tqdm import tqdm

_ROUNDS = 15
_FLOOR_REPEATS = 20_000
_PASSWORD, _SALT = b"correct horse battery staple", b"16 bytes of salt"


class Choice(NamedTuple):
    """Parameters of Argon2id, and who names them."""

    name: str
    kib: int
    passes: int
    lanes: int


CHOICES = (
    Choice("the shop's, and OWASP's second", 19 * 1024, 2, 1),
    Choice("OWASP's first", 46 * 1024, 1, 1),
    Choice("OWASP's last", 7 * 1024, 5, 1),
    Choice("RFC 9106's second", 64 * 1024, 3, 4),
    Choice("Django's own", 100 * 1024, 2, 8),
)


def _hash(choice: Choice) -> None:
    argon2.low_level.hash_secret_raw(
        _PASSWORD, _SALT, choice.passes, choice.kib, choice.lanes, 32, argon2.Type.ID
    )


def _floor() -> None:
    kilobyte = bytes(1024)
    for _ in range(_FLOOR_REPEATS):
        hashlib.sha256(kilobyte).digest()


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Measure and print."""
    floors: list[float] = []
    seconds: dict[Choice, list[float]] = {choice: [] for choice in CHOICES}
    for _ in tqdm(range(_ROUNDS), unit="round"):
        floors.append(_cpu_seconds(_floor) / _FLOOR_REPEATS)
        for choice in CHOICES:
            seconds[choice].append(_cpu_seconds(partial(_hash, choice)))
    floor = statistics.median(floors)
    print("| Argon2id | memory | passes | lanes | CPU, by the floor | CPU, ms |")
    print("|---|--:|--:|--:|--:|--:|")
    for choice in CHOICES:
        took = statistics.median(seconds[choice])
        print(
            f"| {choice.name} | {choice.kib // 1024} MiB | {choice.passes} | {choice.lanes} |"
            f" {took / floor:,.0f} | {took * 1000:.0f} |"
        )


if __name__ == "__main__":
    main()
