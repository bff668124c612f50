"""What came of it: printed, and as tables between the markers of docs/security.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- attacked: begin -->", "<!-- attacked: end -->"
_HEAD = "| attack | requests | places | 5xx | wrong | workers' own memory, MB |"
_RULE = "|---|--:|--:|--:|--:|---|"
_TITLE = "### "
_SHOWN = 40


def conclude(rows: Sequence[dict[str, Any]], *, seed: int) -> int:
    """Print the table and what was wrong, and return the exit status."""
    print(f"\n{render(rows, seed=seed)}\n")
    problems = [
        f"{row['place']}, {row['name']}: {text}" for row in rows for text in row["failures"]
    ]
    print(*(problems[:_SHOWN] or ["Nothing was found."]), sep="\n", flush=True)
    if len(problems) > _SHOWN:
        print(f"and {len(problems) - _SHOWN} more")
    return int(bool(problems))


def write(rows: Sequence[dict[str, Any]], *, seed: int) -> None:
    """Put the tables between the markers of the page, beside those of places not attacked now."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    standing, _, after = rest.partition(END)
    tables = _tables(standing) | _tables(render(rows, seed=seed))
    PAGE.write_text(f"{before}{BEGIN}\n{''.join(tables.values())}{END}{after}")


def _tables(text: str) -> dict[str, str]:
    """Return each place's table with its title."""
    _, *parts = text.split(f"\n{_TITLE}")
    return {part.partition(":")[0]: f"\n{_TITLE}{part.strip()}\n" for part in parts}


def render(rows: Sequence[dict[str, Any]], *, seed: int) -> str:
    """Return a table for each place as Markdown."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = []
    for place, of_place in groupby(rows, key=itemgetter("place")):
        title = f"{_TITLE}{place}: {datetime.now(UTC):%d %B %Y}, seed {seed}, {machine}"
        lines += ["", title, "", _HEAD, _RULE, *map(_row, of_place)]
    return "\n".join(lines)


def _row(row: dict[str, Any]) -> str:
    statuses = {int(status): count for status, count in row.get("statuses", {}).items()}
    memory = " to ".join(f"{mb:.0f}" for mb in row.get("private_mb", ()))
    cells = [
        row["name"],
        row.get("calls", ""),
        row.get("places") or "",
        sum(count for status, count in statuses.items() if status >= 500) if statuses else "",
        len(row["failures"]),
        memory,
    ]
    return f"| {' | '.join(map(str, cells))} |"
