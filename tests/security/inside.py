"""One series against one database, in a process whose environment is the attacked shop's.

``python -m tests.security.inside PLAN``: the plan is JSON, and so is the file of results.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection
from django.db.models import Q

from shop_backend import background, invariants
from shop_backend.kernel.models import OutboxMessage
from tests.chaos.server import Server, serving
from tests.contract.document import published
from tests.security import busy, memory, tools
from tests.security.shop import Shop

# A server in front of the shop would refuse such lines; here the shop itself sees them.
_LONG_LINES = "--limit-request-line 0 --limit-request-field_size 0"
_SPARE_SECONDS = 120
_LEAST_SECONDS = 30  # for one of the tools to find anything
_DOORS = {"401", "403", "404", "405", "429"}


def run(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Attack as the plan says; return its rows."""
    arguments = f"{_LONG_LINES} {tools.ACCESS_LOG}"
    server_environment = {"GUNICORN_CMD_ARGS": arguments, "CATALOGUE_CACHE_MB": "2"}
    log = Path(plan["folder"]) / "server.log"
    with serving(port=plan["port"], log=log, environment=server_environment) as server:
        rows = [
            _let_loose(plan, step, log, still_to_come=len(plan["steps"]) - number)
            if step["attack"] in tools.PACKAGES
            else _step(plan, server, step)
            for number, step in enumerate(plan["steps"])
        ]
    return {"rows": [*rows, _aftermath(log, rows)]}


def _let_loose(
    plan: Mapping[str, Any], step: Mapping[str, Any], log: Path, *, still_to_come: int
) -> dict[str, Any]:
    """Let a tool of others loose on the server, for its share of the time that is left."""
    before, started = tools.statuses(log), time.monotonic()
    seconds = min(step["seconds"], (plan["until"] - time.time()) / still_to_come)
    failures = [f"it had no more than {seconds:.0f} s"]
    if seconds >= _LEAST_SECONDS:
        failures = tools.run(
            step["attack"],
            Shop(step["kinds"][0], seed=plan["seed"]),
            port=plan["port"],
            folder=Path(plan["folder"]),
            seconds=seconds,
        )
    answers = tools.statuses(log) - before
    failures += [f"{count} answers of {s}" for s, count in answers.items() if s >= "500"]
    row = {
        "name": step["name"],
        "calls": answers.total(),
        "seconds": time.monotonic() - started,
        "statuses": answers,
        "failures": failures,
    }
    _show(plan["place"], row)
    return row


def _step(plan: Mapping[str, Any], server: Server, step: Mapping[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    seconds = min(step["seconds"], plan["until"] - time.time())
    with memory.watched(server.worker_pids) as held:
        found = _called({**plan, **step, "seconds": seconds})
    pids = server.worker_pids()
    row = {
        "name": step["name"],
        "calls": sum(each["calls"] for each in found.values()),
        "seconds": time.monotonic() - started,
        "statuses": sum((Counter(each["statuses"]) for each in found.values()), Counter()),
        "places": max(each.get("places", 0) for each in found.values()),
        "phases": sum((Counter(each.get("phases", {})) for each in found.values()), Counter()),
        "private_mb": [held[0], held[len(held) // 2], held[-1]],
        "peak_mb": memory.peak_mb(pids),
        "failures": [
            f"{kind}: {title}\n    {text}"
            for kind, each in found.items()
            for title, text in each["failures"].items()
        ],
    }
    row["failures"] += [f"{k}: {e}" for k, each in found.items() for e in each.get("errors", ())]
    if step.get("is_measured"):
        each = [mb / len(pids) for mb in row["private_mb"]]
        row["failures"] += memory.faults(*each, peak=row["peak_mb"])
    if step["attack"] == "fuzz":
        row["failures"] += _unreached(found)
    _show(plan["place"], row)
    return row


def _unreached(found: Mapping[str, Any]) -> list[str]:
    """Return the operations that answered nobody but as a door or a missing thing does."""
    met: dict[str, set[str]] = {name: set() for name in published().by_name}
    for each in found.values():
        for name, statuses in each["by_operation"].items():
            met[name] |= set(statuses)
    return [
        f"nobody got into {name}: {sorted(statuses)}"
        for name, statuses in met.items()
        if not statuses - _DOORS
    ]


def _called(step: Mapping[str, Any]) -> dict[str, Any]:
    """Let each caller make its part, in a process of its own."""
    with contextlib.ExitStack() as running:
        callers = {}
        for number, kind in enumerate(step["kinds"]):
            results = Path(step["folder"]) / f"{step['attack']}-{kind}.json"
            results.unlink(missing_ok=True)
            plan = {**step, "kind": kind, "seed": step["seed"] + number, "results": str(results)}
            command = [sys.executable, "-m", "tests.security.caller", json.dumps(plan)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.terminate)
            callers[kind] = (process, results)
        for process, _ in callers.values():
            process.wait(step["seconds"] + _SPARE_SECONDS)
        return {kind: json.loads(results.read_text()) for kind, (_, results) in callers.items()}


def _aftermath(log: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the attacks have left behind: mails that failed, figures that are wrong.

    The worker, which a shop always has, looks after it first: what is overdue is expired.
    """
    background.run_once()
    failures = [
        f"{message.kind}: {message.last_error}"
        for message in OutboxMessage.objects.filter(~Q(last_error="") | ~Q(dead_at=None))[:10]
    ]
    broken = [(each, each.find()) for each in invariants.ALL]
    failures += [f"{each.code} {each.sentence}: {found[:3]}" for each, found in broken if found]
    met = sum(row["statuses"]["503"] for row in rows)
    lines = log.read_text(errors="replace").splitlines()
    failures += list(busy.faults_of_log(lines, vendor=connection.vendor, busy=met))[:20]
    return {"name": "afterwards: mails, invariants, the server's log", "failures": failures}


def _show(place: str, row: Mapping[str, Any]) -> None:
    memory_used = " to ".join(f"{mb:.0f}" for mb in row.get("private_mb", ()))
    print(
        f"{place:<24}{row['name']:<32}{row['calls']:>7} calls in {row['seconds']:.0f} s,"
        f" {len(row['failures'])} wrong; workers {memory_used} MB, at most"
        f" {row.get('peak_mb', 0):.0f} MB  {dict(sorted(row['statuses'].items()))}",
        flush=True,
    )
    for failure in row["failures"][:5]:
        print(f"    {failure[:500]}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended, too
    plan = json.loads(sys.argv[1])
    Path(plan["results"]).write_text(json.dumps(run(plan)))
