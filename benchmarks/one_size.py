"""``python -m benchmarks.one_size SERVER SIZE ROUNDS SECONDS ONLY``, in the shop's environment."""

import os
import sys
from collections.abc import Callable, Generator, Sequence

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from tqdm import tqdm  # noqa: E402

from benchmarks import catalogue, figures, queries, report  # noqa: E402
from benchmarks.endpoints import CLIENTS, Endpoint, Shop  # noqa: E402
from benchmarks.figures import Row, Sample  # noqa: E402
from benchmarks.load import Answer, Script, request  # noqa: E402
from benchmarks.servers import postmaster_of, serving  # noqa: E402

FLOOR = "floor: one query, orjson"


def measure(
    server: str, endpoints: Sequence[Endpoint], *, rounds: int, seconds: float
) -> list[Row]:
    """Run every endpoint in every round, the floor with them, and return the table."""
    floors = [Endpoint("floor: hello", _of("/hello")), Endpoint(FLOOR, _of("/rows"))]
    samples: dict[str, list[Sample]] = {}
    postmaster = postmaster_of(server)
    with (
        serving("benchmarks.floor:application", os.environ) as floor,
        serving("shop_backend.wsgi:application", os.environ) as shop,
        tqdm(total=rounds * (len(endpoints) + 2), unit="run", disable=None) as progress,
    ):
        for _ in range(rounds):
            for row in [*floors, *endpoints]:
                scripts = [row.script_for(client) for client in range(CLIENTS)]
                served = floor if row in floors else shop
                progress.set_description(row.name)
                sample = figures.measure(served, postmaster, scripts, seconds=seconds)
                samples.setdefault(row.name, []).append(sample)
                progress.update()
    counted = {row.name: queries.count(row.script_for(0)) for row in endpoints}
    return [
        figures.summarised(name, found, samples[FLOOR], counted.get(name))
        for name, found in samples.items()
    ]


def _of(path: str) -> Callable[[int], Script]:
    def script() -> Generator[bytes, Answer, None]:
        yield request("GET", path)

    return lambda client: script


def main(server: str, size: str, rounds: str, seconds: str, only: str) -> None:
    """Make the shop, measure it, and print its table."""
    call_command("migrate", interactive=False, verbosity=0)
    catalogue.make(int(size))
    endpoints = [row for row in Shop().endpoints() if only in row.name]
    table = measure(server, endpoints, rounds=int(rounds), seconds=float(seconds))
    print(report.as_markdown(int(size), table), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
