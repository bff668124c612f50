"""The table: every endpoint of one shop, and the floors, in rounds."""

import contextlib
from collections.abc import Iterator, Sequence

from tqdm import tqdm

from benchmarks import figures
from benchmarks.endpoints import CLIENTS, Endpoint, Floor, Shop
from benchmarks.figures import Row, Sample
from benchmarks.servers import Postgres
from benchmarks.shops import Prepared, renew_tokens, served

Samples = dict[str, list[Sample]]


@contextlib.contextmanager
def watching(server: str, *shops: Prepared) -> Iterator[Postgres]:
    """Give the meter of the PostgreSQL below these shops."""
    postgres = Postgres(server, [shop.database for shop in shops])
    try:
        yield postgres
    finally:
        postgres.close()


def rows_of(shop: Prepared, writing: Prepared | None, *, only: str) -> list[Endpoint]:
    """Return the rows whose name contains this, and the floors that they are compared with."""
    floors = list(Floor(shop.facts).endpoints())
    floors += Floor(writing.facts).writing() if writing else []
    named = {row.name for row in floors}
    rows = [row for row in Shop(shop.facts).endpoints() if only in row.name]
    usual = Endpoint.floor
    wanted = {row.floor if row.floor in named else usual for row in rows} | {usual, "floor: hello"}
    return [row for row in floors if row.name in wanted] + rows


def measure(
    server: str,
    shop: Prepared,
    writing: Prepared | None,
    *,
    rounds: int,
    seconds: float,
    only: str = "",
) -> list[Row]:
    """Run every endpoint in every round, its floor with it, and return the table."""
    rows = rows_of(shop, writing, only=only)
    samples: Samples = {}
    kinds = sorted({row.server for row in rows} | {"shop"})
    databases = [shop, writing] if writing else [shop]
    with (
        served(shop, *kinds, writing=writing) as servers,
        watching(server, *databases) as postgres,
        tqdm(total=rounds * len(rows), unit="run", disable=None) as progress,
    ):
        for _ in range(rounds):
            renew_tokens(shop.facts, servers["shop"])
            for row in rows:
                scripts = [row.script_for(client) for client in range(CLIENTS)]
                progress.set_description(f"{shop.size:,}: {row.name}")
                sample = figures.measure(servers[row.server], postgres, scripts, seconds=seconds)
                samples.setdefault(row.name, []).append(sample)
                progress.update()
    return _summaries(rows, samples, shop)


def _summaries(rows: Sequence[Endpoint], samples: Samples, shop: Prepared) -> list[Row]:
    counted = shop.facts.queries
    return [
        figures.summarised(
            row.name,
            samples[row.name],
            samples[row.floor if row.floor in samples else Endpoint.floor],
            counted.get(row.name),
        )
        for row in rows
    ]
