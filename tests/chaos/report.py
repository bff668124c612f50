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
WHOLE = "Invariants"  # the line of a series of rounds that is about all of them
DRILLS = (
    "| drill (PostgreSQL) | done | requests | broken | 5xx | 503 with Retry-After | deadlocks"
    " | seconds |"
)
DRILLS_RULE = "|---|--:|--:|--:|--:|--:|--:|--:|"


def conclude(results: Sequence[dict[str, Any]]) -> int:
    """Print what was wrong, and what was not reached, and return the exit status."""
    for result in results:
        if result["rounds"] < result["wanted"] and not result["is_naive"]:
            print(f"Not reached: {result['place']}, {result['name']}: {_how_far(result)}")
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


def _how_far(result: dict[str, Any]) -> str:
    return result["extent"] or f"{result['rounds']} of {result['wanted']} rounds"


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
    lines = [f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, {machine}.", ""]
    lines += _table_of_rounds([result for result in ours if not result["is_drill"]])
    lines += ["", DRILLS, DRILLS_RULE]
    lines += [_drill(result) for result in ours if result["is_drill"]]
    lines += ["", "The careless variants:", "", "| attack | fell in round | how |", "|---|--:|---|"]
    lines += [_fall(result) for result in naive]
    return "\n".join(lines)


def _table_of_rounds(results: Sequence[dict[str, Any]]) -> list[str]:
    places = list(dict.fromkeys(result["place"] for result in results))
    sentences = {result["name"]: result["sentence"] for result in results}
    cells: dict[tuple[str, str], dict[str, Any]] = {
        (result["name"], result["place"]): result for result in results
    }
    lines = [f"| attack | {' | '.join(places)} | requests |", "|---|" + "--:|" * (len(places) + 1)]
    for name, sentence in sentences.items():
        row = [cells.get((name, place)) for place in places]
        requests = sum(_requests(result) for result in row if result)
        lines.append(f"| {name}: {sentence} | {' | '.join(map(_cell, row))} | {requests or ''} |")
    counts = [cells.get((WHOLE, place), {}).get("deadlocks") for place in places]
    told = " | ".join("" if count is None else str(count) for count in counts)
    return [*lines, f"| Deadlocks, by PostgreSQL's own count | {told} | |"]


def _cell(result: dict[str, Any] | None) -> str:
    """Return the rounds, and what was wrong with them."""
    if result is None:
        return ""
    said = [str(result["rounds"])]
    if result["rounds"] < result["wanted"]:
        said = [f"{result['rounds']} of {result['wanted']}"]
    for name, word in (("broken_rounds", "broken"), ("server_errors", "5xx"), ("busy", "503")):
        if result[name]:
            said.append(f"{result[name]} {word}")
    return ", ".join(said)


def _requests(result: dict[str, Any]) -> int:
    return sum(n for what, n in result["answers"].items() if what[:3].strip().isdigit())


def _drill(result: dict[str, Any]) -> str:
    deadlocks = "" if result["deadlocks"] is None else result["deadlocks"]
    cells = [f"{result['name']}: {result['sentence']}", result["extent"], _requests(result)]
    cells += [result["broken_rounds"], result["server_errors"], result["busy"], deadlocks]
    return f"| {' | '.join(map(str, cells))} | {result['seconds']:.0f} |"


def _fall(result: dict[str, Any]) -> str:
    fell = result["rounds"] if result["broken_rounds"] else f"it stood {result['rounds']} rounds"
    how = result["violations"][0] if result["violations"] else ""
    return f"| {result['name']} | {fell} | {how} |"
