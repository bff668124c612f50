"""From runs to the figures of the table: medians over rounds, and ratios to the floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import load
from benchmarks.servers import Postgres, Server


@dataclass(frozen=True)
class Sample:
    """One bounded run of one endpoint. Times are seconds for each run of its script."""

    per_second: float
    p50: float
    p99: float
    app: float
    database: float
    load: float
    body_bytes: float

    @property
    def processor(self) -> float:
        """Processor time of application and database together."""
        return self.app + self.database


@dataclass(frozen=True)
class Row:
    """The medians of an endpoint's samples, and of its ratios to the floor of the same round."""

    name: str
    queries: int | None
    sample: Sample
    processor_to_floor: float
    rate_to_floor: float
    p50_to_floor: float


def measure(
    server: Server, postgres: Postgres, scripts: Sequence[load.Script], *, seconds: float
) -> Sample:
    """Run the scripts, a while to warm up, and return what one run of them cost."""
    load.run(server.port, scripts, seconds=seconds / 4)
    app, database = server.processor_seconds(), postgres.processor_seconds()
    outcome = load.run(server.port, scripts, seconds=seconds)
    runs = len(outcome.latencies)
    return Sample(
        per_second=runs / outcome.seconds,
        p50=outcome.percentile(0.5),
        p99=outcome.percentile(0.99),
        app=(server.processor_seconds() - app) / runs,
        database=(postgres.processor_seconds() - database) / runs,
        load=outcome.own_processor / runs,
        body_bytes=outcome.body_bytes / outcome.requests,
    )


def summarised(
    name: str, samples: Sequence[Sample], floors: Sequence[Sample], queries: int | None
) -> Row:
    """Return the row of an endpoint that was measured in the same rounds as the floor."""

    def middle(of: Callable[[Sample], float]) -> float:
        return median(of(sample) for sample in samples)

    pairs = list(zip(samples, floors, strict=True))
    return Row(
        name=name,
        queries=queries,
        sample=Sample(
            per_second=middle(lambda sample: sample.per_second),
            p50=middle(lambda sample: sample.p50),
            p99=middle(lambda sample: sample.p99),
            app=middle(lambda sample: sample.app),
            database=middle(lambda sample: sample.database),
            load=middle(lambda sample: sample.load),
            body_bytes=middle(lambda sample: sample.body_bytes),
        ),
        processor_to_floor=median(ours.processor / floor.processor for ours, floor in pairs),
        rate_to_floor=median(ours.per_second / floor.per_second for ours, floor in pairs),
        p50_to_floor=median(ours.p50 / floor.p50 for ours, floor in pairs),
    )
