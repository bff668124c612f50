"""``python -m benchmarks [SIZE ...]``: measure shops of so many products beside the floor."""

import argparse
import contextlib
import datetime
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import (
    comparing,
    environment,
    growth,
    profiling,
    report,
    sale,
    startup,
    storm,
    table,
)
from benchmarks.results import Results
from benchmarks.servers import ROOT, THREADS, WORKERS, Postgres
from benchmarks.shops import Prepared, folder_for_facts, prepare

SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000
PAGE, PLOTS = Path("docs/performance.md"), Path("docs/performance")
NOTES = ROOT / "benchmarks" / "notes.md"  # what people have to say about the figures
PARTS = ("tables", "growth", "sale", "storm", "start", "profile")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, metavar="SIZE")
    parser.add_argument("--rounds", type=int, default=3, help="the floor is run in each (3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each endpoint a round (2)")
    parser.add_argument("--only", default="", help="endpoints whose name contains this")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="all of them")
    parser.add_argument("--compare", metavar="BASE", help="a commit to measure beside this one")
    parser.add_argument("--write", action="store_true", help=f"{PAGE} with its plots, too")
    parser.add_argument("--prepare", action="store_true", help="make the catalogues, then stop")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for; what was begun is ended, also on Ctrl-C."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with environment.postgres() as server, folder_for_facts() as folder:
            sizes = options.sizes or _usual_sizes(server)
            if options.prepare:
                for size in sizes:
                    prepare(server, size, folder)
            elif options.compare:
                _compare(server, folder, sizes, options)
            else:
                _measure(server, folder, sizes, options)
    except KeyboardInterrupt:
        return 130
    return 0


def _usual_sizes(server: str) -> list[int]:
    """Return the usual sizes, and a million where that was made before."""
    is_there = environment.exists(server, environment.database_name(MILLION))
    return [*SIZES, *[MILLION] * is_there]


def _measure(server: str, folder: Path, sizes: Sequence[int], options: argparse.Namespace) -> None:
    load_before = os.getloadavg()[0]
    shops = {size: prepare(server, size, folder) for size in sorted(sizes)}
    results = Results(
        commit=_commit(),
        when=f"{datetime.date.today():%d %B %Y}",
        machine=_machine(),
        command=_command(sizes, options),
        is_shared=False,
        load_before=load_before,
    )
    try:
        _measure_all(server, folder, shops, results, options)
    finally:  # of a run that was interrupted, what it has found
        if results.tables:
            print(report.verdicts(results), flush=True)
            if options.write:
                _write(results)


def _measure_all(
    server: str,
    folder: Path,
    shops: Mapping[int, Prepared],
    results: Results,
    options: argparse.Namespace,
) -> None:
    middle = shops[min(shops, key=lambda size: abs(size - 10_000))]
    with contextlib.ExitStack() as stack:
        writing = _floor_database(server, middle.size, folder, stack)
        postgres = stack.enter_context(table.watching(server, *shops.values(), writing))
        results.is_shared = postgres.is_shared
        if "tables" in options.parts:
            _measure_tables(server, results, shops, (middle, writing), options)
        if "growth" in options.parts and len(shops) > 1:
            results.growth = growth.compare([shops[min(shops)], shops[max(shops)]])
            print(report.growth(results), flush=True)
        _measure_the_rest(results, middle, writing, postgres, options.parts)


def _measure_tables(
    server: str,
    results: Results,
    shops: Mapping[int, Prepared],
    floored: tuple[Prepared, Prepared],
    options: argparse.Namespace,
) -> None:
    middle, writing = floored
    for size, shop in shops.items():
        rows = table.measure(
            server, shop, writing if shop is middle else None,
            rounds=options.rounds, seconds=options.seconds, only=options.only,
        )  # fmt: skip
        results.tables[size] = rows
        print(report.as_markdown(size, rows), flush=True)


def _measure_the_rest(
    results: Results, shop: Prepared, writing: Prepared, postgres: Postgres, parts: Sequence[str]
) -> None:
    if "sale" in parts:
        results.sale = sale.hold(shop, writing, postgres)
        results.bare = sale.run_bare(writing, "purchase", clients=WORKERS * THREADS, seconds=5)
    if "storm" in parts:
        results.storm = storm.weather(shop, seconds=6)
    if "start" in parts:
        results.start = startup.look(shop)
    if "profile" in parts:
        results.profile = profiling.look(shop)
    print("\n".join(report.rest(results)), flush=True)


def _floor_database(server: str, size: int, folder: Path, stack: contextlib.ExitStack) -> Prepared:
    """Return the database in which the floor places orders: no shop's, for nothing checks them."""
    name = environment.database_name(size, purpose="writing")
    environment.drop_database(server, name)
    stack.callback(environment.drop_database, server, name)
    return prepare(server, size, folder, purpose="writing")


def _compare(server: str, folder: Path, sizes: Sequence[int], options: argparse.Namespace) -> None:
    with comparing.checked_out(options.compare) as root:
        for size in sizes:
            (folder / str(size)).mkdir()
            shops = comparing.prepare_both(server, size, folder / str(size), options.compare, root)
            pairs = comparing.compare(
                server, shops, rounds=options.rounds, seconds=options.seconds, only=options.only
            )
            print(comparing.as_markdown(size, options.compare, pairs), flush=True)


def _write(results: Results) -> None:
    from benchmarks import plots  # noqa: PLC0415  # it takes a second, and is not always wanted

    os.chdir(ROOT)
    plots.draw(results, PLOTS)
    results.save(PLOTS / "figures.json")
    PAGE.write_text(report.page(results, NOTES.read_text() if NOTES.exists() else ""))
    print(f"Written: {PAGE}, {PLOTS}/")


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return told.stdout.strip() or "unknown"


def _machine() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = found[1] if found else platform.machine()
    return f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}"


def _command(sizes: Sequence[int], options: argparse.Namespace) -> str:
    return f'make bench SIZES="{" ".join(map(str, sizes))}" ROUNDS={options.rounds}'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
