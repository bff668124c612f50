"""How much memory a server's workers hold that is theirs alone."""

from collections.abc import Iterable
from pathlib import Path


def private_mb(pids: Iterable[int]) -> float:
    """Return the megabytes of the processes that they share with nobody, added up."""
    return sum(_private_kb(pid) for pid in pids) / 1024


def peak_mb(pids: Iterable[int]) -> float:
    """Return the most megabytes that any of the processes has ever held."""
    return max(_status_kb(pid, "VmHWM") for pid in pids) / 1024


def _private_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _status_kb(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
