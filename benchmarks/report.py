"""The figures as text: tables for the terminal and docs/performance.md."""

from collections.abc import Iterator, Sequence

from benchmarks.figures import Row
from benchmarks.judging import judge
from benchmarks.results import Results

_HEAD = """
### {size:,} products

| endpoint | a second | p50 ms | p99 ms | app ms | database ms | load ms | queries | bytes | processor time to its floor's | rate to its floor's | p50 to its floor's |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501  # a row of a table is one line

_INTRODUCTION = """\
# Performance

Made by `{command}` at commit {commit} on {when}; run it again and this page, its plots and
`performance/figures.json` are written anew.

The machine: {machine}. PostgreSQL, the shop (gunicorn, two workers of four threads, production
settings) and the load share it; its load average before was {load:.1f}, so that {busy}.
**Absolute figures are those of this machine at that hour; the
ratios are what the shop is judged by:** the shop and its floor are measured in turn, in the same
run. Processor time is read from /proc and is that of the application and of PostgreSQL{shared}.
`load ms` is what the load itself took beside them, for each request or flow. Rate limits are off,
as one address sends all of it, and no worker runs: what leaves through the outbox later (the
sandbox's two webhooks for a purchase) is in neither the shop's figures nor the floor's.

The floor is what the same machine does without a shop: a WSGI function behind the same gunicorn
that answers with a constant (`hello`); one indexed query and orjson; one query that gives the same
rows as the shop's list or detail; the statements that the shop sends for a search or a purchase,
recorded from the shop and sent again with fresh values by psycopg2, as plain texts: what the shop
saves by having its own planned once for a connection counts for the shop. So these two floors say
what the shop costs on top of its statements; whether the statements are good ones, the number of
queries says, and the growth below. `cold` is with `CATALOGUE_CACHE_MB=0`: no answer is remembered.
A row whose floor is not said is compared with one query and orjson.
"""
_QUIET = 0.5
_BUSY = "other work took part of it and absolute figures are worse than it can do"
_SHARED = """ as far as its backends serve these
databases, for others used that PostgreSQL too"""


def page(results: Results, notes: str = "") -> str:
    """Return docs/performance.md.

    :param notes: what people have to say about the figures, kept from run to run.
    """
    return "\n".join([*_parts(results), notes]).rstrip() + "\n"


def _parts(results: Results) -> Iterator[str]:
    yield _INTRODUCTION.format(
        command=results.command,
        commit=results.commit,
        when=results.when,
        machine=results.machine,
        load=results.load_before,
        busy=_BUSY if results.load_before > _QUIET else "it was free for this",
        shared=_SHARED if results.is_shared else "",
    )
    yield "## The figures to reach\n"
    yield verdicts(results)
    yield "## Latency against the size of the catalogue\n"
    yield "![p50 of endpoints by size](performance/latency.svg)\n"
    if results.growth:
        yield growth(results)
        yield "![p50 of lists, big against small](performance/growth.svg)\n"
    yield "## Throughput against the floor\n"
    yield "![requests and flows a second](performance/throughput.svg)\n"
    for size, rows in sorted(results.tables.items()):
        yield as_markdown(size, rows).lstrip("\n")
    yield from rest(results)


def verdicts(results: Results) -> str:
    """Return every figure beside its limit."""
    lines = ["| what | to reach | found | |", "|---|---|---|---|"]
    lines += [f"| {v.what} | {v.limit} | {v.figure} | {v.word} |" for v in judge(results)]
    return "\n".join(lines) + "\n"


def growth(results: Results) -> str:
    """Return the lists of a small and of a big shop, asked in turn by one client."""
    lines = [
        "| list, cold | first, p50 ms | second, p50 ms | ratio | asked |",
        "|---|---|---|---|---|",
    ]
    for one in results.growth:
        first, second = one.sides
        lines.append(
            f"| {one.name} | {first:,}: {one.p50[0] * 1000:.2f} | {second:,}:"
            f" {one.p50[1] * 1000:.2f} | {one.ratio:.2f} | {one.asked} |"
        )
    return "\n".join(lines) + "\n"


def rest(results: Results) -> Iterator[str]:
    """Yield what is not in a table: the sale, the storm, start and size."""
    sale, bare, storm, start = results.sale, results.bare, results.storm, results.start
    if sale:
        yield (
            "## Flash sale\n\n"
            f"{sale.clients} clients after {sale.units} units of one SKU, each adding to the cart,"
            f" placing and paying until nothing is left: {sale.per_second:.1f} sold a second,"
            f" {sale.sold} in all. The same statements behind HTTP: {sale.served_per_second:.1f};"
            f" by a script with {sale.bare.clients} connections: {sale.bare.per_second:.1f}.\n"
        )
    if bare:
        yield (
            f"The statements of purchases of different goods by a script with {bare.clients}"
            f" connections and without HTTP: {bare.per_second:.0f} a second.\n"
        )
    if storm:
        yield (
            "## Login storm\n\n"
            f"Catalogue reads alone: p50 {storm.quiet_p50 * 1000:.1f} ms, p99"
            f" {storm.quiet_p99 * 1000:.1f} ms. Beside 32 clients who log in as fast as they can:"
            f" p50 {storm.p50 * 1000:.1f} ms, p99 {storm.p99 * 1000:.1f} ms,"
            f" {storm.reads_per_second:.0f} reads, {storm.logins_per_second:.0f} logins and"
            f" {storm.refused_per_second:.0f} refused logins a second.\n"
        )
    if start:
        slowest = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in start.imports)
        yield (
            "## Start and size\n\n"
            f"{start.seconds:.2f} s from the command to the first answer, {start.processor:.2f} s"
            " of processor time for gunicorn and two workers. Importing the application takes"
            f" {start.import_seconds:.2f} s under `-X importtime`; the packages that take the"
            f" longest, in ms: {slowest}.\n\n"
            f"The bigger worker takes {start.fresh.pss:.0f} MB (PSS; RSS {start.fresh.rss:.0f})"
            f" after its first answers and {start.used.pss:.0f} MB (RSS {start.used.rss:.0f})"
            " after all endpoints were asked.\n"
        )
    if results.profile:
        lines = "".join(f"| {place} | {spent:.1f} |\n" for place, spent in results.profile)
        yield (
            "## Where the time of a purchase goes\n\n"
            "One customer who adds to the cart, places and pays, within one process and under"
            " Python's profiler, which makes Python slower and waiting not.\n\n"
            f"| where | ms of a purchase |\n|---|---|\n{lines}"
        )


def as_markdown(size: int, rows: Sequence[Row]) -> str:
    """Return the table of one size of shop."""
    return _HEAD.format(size=size) + "".join(_line(row) for row in rows)


def _line(row: Row) -> str:
    sample = row.sample
    cells = [
        row.name,
        f"{sample.per_second:.0f}",
        f"{sample.p50 * 1000:.1f}",
        f"{sample.p99 * 1000:.1f}",
        f"{sample.app * 1000:.2f}",
        f"{sample.database * 1000:.2f}",
        f"{sample.load * 1000:.2f}",
        "" if row.queries is None else str(row.queries),
        f"{sample.body_bytes:.0f}",
        f"{row.processor_to_floor:.2f}",
        f"{row.rate_to_floor:.2f}",
        f"{row.p50_to_floor:.2f}",
    ]
    return f"| {' | '.join(cells)} |\n"
