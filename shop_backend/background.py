"""What has to happen by itself, as one pass that can be made at any time, and twice.

``run_worker`` makes whole passes; Celery's beat has each task run at its own period. Either way
a task takes what is due and leaves what another worker has.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts import services as accounts
from cart import services as carts
from catalog import services as catalog
from catalog import version as catalogue_version
from orders import services as orders
from payments import services as payments
from shop_backend.kernel import budgets, idempotency, outbox

logger = logging.getLogger(__name__)

BATCH = 100
MOST_PASSES = 1000
QUIET_FOR = timedelta(minutes=1)  # before the provider is asked what became of a payment


@dataclass(frozen=True)
class Task:
    """One thing that has to happen by itself.

    ``run`` does what is due, bounded, and returns how much it did. ``every`` is its period under
    beat; a worker's pass runs it each time.
    """

    run: Callable[[datetime], int]
    every: timedelta


def run_once() -> dict[str, int]:
    """Make one pass over everything that is due; return how much of each was done."""
    return {name: run_task(name) for name in TASKS}


def run_task(name: str) -> int:
    """Run one of ``TASKS``; return how much was done, 0 if it failed, which is logged."""
    try:
        return TASKS[name].run(timezone.now())
    except Exception:  # one broken task must not stop the others, nor the worker
        logger.exception("the worker's task failed: %s", name)
        return 0


def sweep(name: str) -> Iterator[int]:
    """Make passes of one sweep until less than a batch was due; yield how much each pass did.

    At most ``MOST_PASSES``: what cannot be dealt with stays due, and must not keep it going.

    :param name: one of ``SWEEPS``.
    """
    for _ in range(MOST_PASSES):
        done = SWEEPS[name].run(timezone.now())
        yield done
        if done < BATCH:
            return


def _deliver_outbox(now: datetime) -> int:
    return outbox.deliver_due(limit=BATCH)  # by the clock: a pass may last longer than a lease


def _expire_orders(now: datetime) -> int:
    return orders.expire_overdue_orders(now=now, limit=BATCH)


def _apply_provider_events(now: datetime) -> int:
    return payments.apply_pending_events(limit=BATCH)


def _ask_provider(now: datetime) -> int:
    return payments.sync_open_payments(limit=BATCH, unasked_for=QUIET_FOR)


def _ask_about_refunds(now: datetime) -> int:
    return payments.sync_pending_refunds(limit=BATCH, unasked_for=QUIET_FOR)


def _send_refunds(now: datetime) -> int:
    return payments.send_refunds_left_behind(limit=BATCH)


def _sweep_accounts(now: datetime) -> int:
    return sum(accounts.sweep(now=now).values())


def _delete_old_keys(now: datetime) -> int:
    return idempotency.delete_expired()


def _delete_whole_budgets(now: datetime) -> int:
    return budgets.delete_whole_budgets()


def _sum_up_changes(now: datetime) -> int:
    return _repeat(catalogue_version.sum_up)


def _settle_stock_doubts(now: datetime) -> int:
    return _repeat(catalog.settle_stock_doubts)


def _repeat(step: Callable[[], int]) -> int:
    """Repeat the step until nothing is left: whoever changes a row meanwhile waits for one step."""
    total = 0
    for _ in range(BATCH):
        done = step()
        total += done
        if not done:
            break
    return total


def _delete_carts(now: datetime) -> int:
    return carts.delete_abandoned_carts(now=now)


def _delete_delivered(now: datetime) -> int:
    return outbox.delete_delivered(now=now)


# What is due because time has passed; each pass is bounded, so that none starves the next.
SWEEPS: Mapping[str, Task] = {
    "orders expired": Task(_expire_orders, every=timedelta(seconds=30)),
    "provider events applied": Task(_apply_provider_events, every=timedelta(seconds=30)),
    "payments looked up": Task(_ask_provider, every=timedelta(minutes=1)),
    "refunds sent": Task(_send_refunds, every=timedelta(minutes=1)),
    "refunds looked up": Task(_ask_about_refunds, every=timedelta(minutes=1)),
    "rows of accounts deleted": Task(_sweep_accounts, every=timedelta(minutes=10)),
    "keys deleted": Task(_delete_old_keys, every=timedelta(hours=1)),
    "budgets deleted": Task(_delete_whole_budgets, every=timedelta(hours=1)),
    "products looked at for stock": Task(_settle_stock_doubts, every=timedelta(seconds=30)),
    "changes of the catalogue summed up": Task(_sum_up_changes, every=timedelta(minutes=1)),
    "abandoned carts deleted": Task(_delete_carts, every=timedelta(hours=1)),
    "delivered messages deleted": Task(_delete_delivered, every=timedelta(hours=1)),
}
# What the worker does again and again, the frequent ones first.
TASKS: Mapping[str, Task] = {
    "messages delivered": Task(_deliver_outbox, every=timedelta(seconds=10)),
    **SWEEPS,
}
