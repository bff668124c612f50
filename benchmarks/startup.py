"""How long the shop takes to its first answer, and how much memory a worker takes."""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import load
from benchmarks.endpoints import CLIENTS, Shop
from benchmarks.servers import Memory, memory_of
from benchmarks.shops import Prepared, renew_tokens, served

STARTS = 5
_SELF_TIME = re.compile(r"^import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Start:
    """Seconds to the first answer and of processor time; megabytes of the biggest worker."""

    seconds: float
    processor: float
    import_seconds: float
    imports: Sequence[tuple[str, float]]  # the packages that take the longest, alone
    fresh: Memory
    used: Memory


def look(shop: Prepared) -> Start:
    """Start the shop some times, then let it answer a bit of everything."""
    seconds, processor = [], []
    for _ in range(STARTS):
        started = time.perf_counter()
        with served(shop, "shop") as servers:
            server = servers["shop"]
            load.run(server.port, [Shop(shop.facts).listing("newest first")(0)], seconds=0)
            seconds.append(time.perf_counter() - started)
            processor.append(server.processor_seconds())
    with served(shop, "shop") as servers:
        server = servers["shop"]
        load.run(server.port, [Shop(shop.facts).listing("newest first")(0)], seconds=0.5)
        fresh = _biggest(server.workers())
        renew_tokens(shop.facts, server)
        for row in Shop(shop.facts).endpoints():
            load.run(server.port, [row.script_for(client) for client in range(CLIENTS)], seconds=1)
        used = _biggest(server.workers())
    total, imports = import_times(shop)
    return Start(median(seconds), median(processor), total, imports, fresh, used)


def import_times(shop: Prepared) -> tuple[float, Sequence[tuple[str, float]]]:
    """Return the seconds that importing the application takes, and the ten slowest packages."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import shop_backend.wsgi"],
        cwd=shop.root,
        env={**shop.environment, "PYTHONPATH": str(shop.root)},
        capture_output=True,
        text=True,
        check=True,
    )
    return by_package(told.stderr)


def by_package(importtime: str) -> tuple[float, Sequence[tuple[str, float]]]:
    """Add up what ``-X importtime`` tells, in seconds, by top-level package."""
    packages: Counter[str] = Counter()
    for own, _, _, module in _SELF_TIME.findall(importtime):
        packages[module.partition(".")[0]] += int(own)
    slowest = [(name, micros / 1e6) for name, micros in packages.most_common(10)]
    return packages.total() / 1e6, slowest


def _biggest(workers: Sequence[int]) -> Memory:
    return max((memory_of(pid) for pid in workers), key=lambda memory: memory.pss)
