"""How much memory a server's workers hold that is theirs alone."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

GROWTH_MB, LATE_GROWTH_MB, PEAK_MB = 48, 12, 400  # of each worker, at most
_EVERY_SECONDS = 5.0


def private_mb(pids: Iterable[int]) -> float:
    """Return the megabytes of the processes that they share with nobody, added up."""
    return sum(_private_kb(pid) for pid in pids) / 1024


@contextlib.contextmanager
def watched(pids: Callable[[], Iterable[int]]) -> Iterator[list[float]]:
    """Measure now and then for as long as the block lasts; the list grows meanwhile.

    It begins with what was held before the block and ends with what is held after it.
    """
    measured = [private_mb(pids())]
    is_over = threading.Event()

    def measure() -> None:
        while not is_over.wait(_EVERY_SECONDS):
            with contextlib.suppress(OSError):  # a worker may end while it is looked at
                measured.append(private_mb(pids()))

    watch = threading.Thread(target=measure)
    watch.start()
    try:
        yield measured
    finally:
        is_over.set()
        watch.join()
    measured.append(private_mb(pids()))


def peak_mb(pids: Iterable[int]) -> float:
    """Return the most megabytes that any of the processes has ever held."""
    return max(_status_kb(pid, "VmHWM") for pid in pids) / 1024


def faults(before: float, half_way: float, after: float, *, peak: float) -> Iterator[str]:
    """Tell what speaks against memory that levels off; all in megabytes of one worker."""
    if after - before > GROWTH_MB:
        yield f"each worker grew by {after - before:.0f} MB"
    if after - half_way > LATE_GROWTH_MB:
        yield f"each worker grew by {after - half_way:.0f} MB in the second half"
    if peak > PEAK_MB:
        yield f"a worker held {peak:.0f} MB"


def _private_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _status_kb(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
