"""The table at the end: printed, and written between the markers of docs/reliability.md."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEAD = "| where | attack | rounds | requests | broken | 5xx | 503 with Retry-After | deadlocks |"
RULE = "|---|---|--:|--:|--:|--:|--:|--:|"


def conclude(results: Sequence[dict[str, Any]]) -> int:
    """Print what was wrong, and return the exit status."""
    problems = [problem for result in results for problem in _problems(result)]
    print(
        *(problems or ["Nothing was broken that must not be, and every careless variant fell."]),
        sep="\n",
        flush=True,
    )
    return int(bool(problems))


def _problems(result: dict[str, Any]) -> Iterable[str]:
    who = f"{result['place']}, {result['name']}"
    if result["is_naive"]:
        if not result["broken_rounds"]:
            yield f"{who}: the careless variant stood {result['rounds']} rounds; it must fall."
        return
    if result["broken_rounds"]:
        yield f"{who}: {result['broken_rounds']} rounds broken: {result['violations'][:3]}"
    if result["server_errors"]:
        yield f"{who}: {result['server_errors']} answers of 5xx: {result['answers']}"
    if result["deadlocks"]:
        yield f"{who}: {result['deadlocks']} deadlocks."


def keep(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the results as JSON."""
    path.write_text(json.dumps(results, indent=1))


def write(results: Sequence[dict[str, Any]], *, seed: int) -> None:
    """Put the table between the markers of the page; the rest of it is written by hand."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{render(results, seed=seed)}\n{END}{after}")


def render(results: Sequence[dict[str, Any]], *, seed: int) -> str:
    """Return the tables as Markdown."""
    ours = [result for result in results if not result["is_naive"]]
    naive = [result for result in results if result["is_naive"]]
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, {machine}.", "", HEAD, RULE]
    lines += [_row(result) for result in ours]
    lines += ["", "The careless variants:", "", "| attack | fell in round | how |", "|---|--:|---|"]
    lines += [_fall(result) for result in naive]
    return "\n".join(lines)


def _row(result: dict[str, Any]) -> str:
    requests = sum(n for what, n in result["answers"].items() if what[:3].strip().isdigit())
    deadlocks = "" if result["deadlocks"] is None else result["deadlocks"]
    cells = [result["place"], f"{result['name']}: {result['sentence']}", result["rounds"]]
    cells += [requests, result["broken_rounds"], result["server_errors"], result["busy"], deadlocks]
    return f"| {' | '.join(map(str, cells))} |"


def _fall(result: dict[str, Any]) -> str:
    fell = result["rounds"] if result["broken_rounds"] else f"it stood {result['rounds']} rounds"
    how = result["violations"][0] if result["violations"] else ""
    return f"| {result['name']} | {fell} | {how} |"
