"""One run: goods in, then orders and returns, with progress, until done or interrupted."""

import contextlib
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from payments.models import Refund
from shop_backend.replay import preparing
from shop_backend.replay.client import Client
from shop_backend.replay.driving import Shop
from shop_backend.replay.planning import Plan, PlannedOrder, PlannedReturn
from shop_backend.replay.progress import Progress, is_done, read_progress
from shop_backend.replay.running import Run
from shop_backend.replay.server import own_server

SETTLING_SECONDS = 30


@dataclass(frozen=True)
class Effort:
    """What a run did. ``failures``: what the shop refused, by invoice, in its words;
    ``repeats``: calls that were made again, by reason."""

    before: int
    done: int
    left: int
    price_changes: int
    requests: int
    repeats: dict[str, int]
    seconds: float
    failures: dict[str, str]

    @property
    def is_broken_off(self) -> bool:
        """Whether it ended before it had tried everything."""
        return self.left > len(self.failures)


def replay(plan: Plan, *, url: str | None, port: int | None, workers: int) -> Effort:
    """Do what the plan wants and the shop does not hold yet.

    :param url: a server that runs already; without it the run has its own, on ``port``.
    :raises ServerDidNotStart: its own server is not to be had.
    :raises Refused, NoAnswer: the preparations failed; a failing order is in ``failures``.
    """
    progress = read_progress()
    articles = preparing.get_articles()
    with contextlib.ExitStack() as stack:
        manager = stack.enter_context(preparing.manager())
        client = Client(url or stack.enter_context(own_server(port)))
        shop = Shop(client, manager=manager, articles=articles, progress=progress)
        shop.prepare()
        started = time.monotonic()
        _receive(shop, plan, progress, workers)
        tasks: list[PlannedOrder | PlannedReturn] = [*plan.orders, *plan.returns]
        before = sum(is_done(progress, task) for task in tasks)
        with tqdm(total=len(tasks), initial=before, unit="task", desc="Replaying") as bar:
            run = Run(
                shop,
                plan,
                {sku: article.price_minor for sku, article in articles.items()},
                is_done=lambda task: is_done(progress, task),
                tick=bar.update,
            )
            with _stopping_on_interrupt(run):
                outcome = run.go(workers=workers)
        _let_refunds_settle()
    return Effort(
        before=before,
        done=outcome.done,
        left=len(tasks) - before - outcome.done,
        price_changes=outcome.price_changes,
        requests=client.requests,
        repeats=dict(client.repeats),
        seconds=time.monotonic() - started,
        failures=outcome.failures,
    )


def _receive(shop: Shop, plan: Plan, progress: Progress, workers: int) -> None:
    missing = {
        sku: units - progress.delivered[sku]
        for sku, units in plan.demand.items()
        if units > progress.delivered[sku]
    }
    with ThreadPoolExecutor(workers) as pool:
        deliveries = pool.map(lambda entry: shop.receive(*entry), missing.items())
        for _ in tqdm(deliveries, total=len(missing), unit="SKU", desc="Receiving goods"):
            pass


def _let_refunds_settle() -> None:
    """Give the outbox time to hand the last refunds to the provider, while the server is there."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while Refund.objects.filter(status=Refund.Status.PENDING).exists():
        if time.monotonic() > deadline:
            return  # the comparison names them
        time.sleep(0.2)


@contextlib.contextmanager
def _stopping_on_interrupt(run: Run) -> Iterator[None]:
    """Let the first Ctrl-C end the run in order; a second one is as ever."""
    usual = signal.getsignal(signal.SIGINT)

    def stop(*_: Any) -> None:
        run.stopping.set()
        signal.signal(signal.SIGINT, usual)
        tqdm.write("Finishing what is in flight; once more breaks off.")

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
