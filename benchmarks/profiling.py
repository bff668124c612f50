"""Where the time of a purchase goes: one process, one customer, under Python's own profiler.

The profiler makes Python itself slower and waiting not, so what PostgreSQL takes is more than it
says.
"""

import cProfile
import json
import pstats
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.servers import ROOT
from benchmarks.shops import Prepared

_ELSEWHERE = "Python and other libraries"
_LIBRARIES = {
    "django/db": "Django's database layer",
    "django": "the rest of Django",
    "rest_framework": "REST framework",
}
_SENDING = ("psycopg2", "Cursor.execute", "fetchall", "fetchone", "commit", "set_session")
Shares = Sequence[tuple[str, float]]


def look(shop: Prepared) -> Shares:
    """Return the milliseconds of a purchase by where they were spent, the longest first."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.profiled", str(shop.path)],
        cwd=shop.root,
        env={**shop.environment, "PYTHONPATH": str(shop.root)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [(name, spent) for name, spent in json.loads(told.stdout.splitlines()[-1])]


def by_place(profile: cProfile.Profile, *, purchases: int) -> Shares:
    """Add up the own time of all functions, in milliseconds a purchase, by where they stand."""
    spent: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]  # its stubs do not know it
        spent[_place_of(file, name)] += own
    return [(name, own / purchases * 1000) for name, own in spent.most_common()]


def _place_of(file: str, name: str) -> str:
    if any(word in name for word in _SENDING) and file in {"~", ""}:
        return "PostgreSQL: sending a statement and waiting for it"
    path = Path(file)
    if path.is_relative_to(ROOT) and "site-packages" not in file:
        return f"the shop: {path.relative_to(ROOT).parts[0]}"
    _, _, inside = file.partition("site-packages/")
    return next(
        (place for library, place in _LIBRARIES.items() if inside.startswith(f"{library}/")),
        _ELSEWHERE,
    )
