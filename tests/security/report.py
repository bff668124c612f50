"""What came of it: printed, and as a table between the markers of docs/security.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- attacked: begin -->", "<!-- attacked: end -->"
_HEAD = "| where | attack | requests | places | 5xx | wrong | workers' own memory, MB |"
_RULE = "|---|---|--:|--:|--:|--:|---|"
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
    """Put the table between the markers of the page; the rest of it is written by hand."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{render(rows, seed=seed)}\n{END}{after}")


def render(rows: Sequence[dict[str, Any]], *, seed: int) -> str:
    """Return the table as Markdown."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, {machine}.", "", _HEAD, _RULE]
    return "\n".join([*lines, *map(_row, rows)])


def _row(row: dict[str, Any]) -> str:
    statuses = {int(status): count for status, count in row.get("statuses", {}).items()}
    memory = " to ".join(f"{mb:.0f}" for mb in row.get("private_mb", ()))
    cells = [
        row["place"],
        row["name"],
        row.get("calls", ""),
        row.get("places") or "",
        sum(count for status, count in statuses.items() if status >= 500) if statuses else "",
        len(row["failures"]),
        memory,
    ]
    return f"| {' | '.join(map(str, cells))} |"
