"""What has to happen by itself, as one pass that can be made at any time, and twice."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from accounts import services as accounts
from catalog import version as catalogue_version
from orders import services as orders
from payments import services as payments
from shop_backend.kernel import budgets, idempotency, outbox

logger = logging.getLogger(__name__)

BATCH = 100
MOST_PASSES = 1000
QUIET_FOR = timedelta(minutes=1)  # before the provider is asked what became of a payment


def run_once() -> dict[str, int]:
    """Make one pass over everything that is due; return how much of each was done."""
    now = timezone.now()
    return {name: _try(name, task, now) for name, task in TASKS.items()}


def sweep(name: str) -> Iterator[int]:
    """Make passes of one sweep until less than a batch was due; yield how much each pass did.

    At most ``MOST_PASSES``: what cannot be dealt with stays due, and must not keep it going.

    :param name: one of ``SWEEPS``.
    """
    for _ in range(MOST_PASSES):
        done = SWEEPS[name](timezone.now())
        yield done
        if done < BATCH:
            return


def _try(name: str, task: Callable[[datetime], int], now: datetime) -> int:
    try:
        return task(now)
    except Exception:  # one broken task must not stop the others, nor the worker
        logger.exception("the worker's task failed: %s", name)
        return 0


def _deliver_outbox(now: datetime) -> int:
    return outbox.deliver_due(limit=BATCH, now=now)


def _expire_orders(now: datetime) -> int:
    return orders.expire_overdue_orders(now=now, limit=BATCH)


def _apply_provider_events(now: datetime) -> int:
    return payments.apply_pending_events(limit=BATCH)


def _ask_provider(now: datetime) -> int:
    return payments.sync_open_payments(limit=BATCH, unasked_for=QUIET_FOR)


def _send_refunds(now: datetime) -> int:
    return payments.send_refunds_left_behind(limit=BATCH)


def _sweep_accounts(now: datetime) -> int:
    return sum(accounts.sweep(now=now).values())


def _delete_old_keys(now: datetime) -> int:
    return idempotency.delete_expired()


def _delete_whole_budgets(now: datetime) -> int:
    return budgets.delete_whole_budgets()


def _sum_up_changes(now: datetime) -> int:
    return catalogue_version.sum_up()


# What is due because time has passed; each pass is bounded, so that none starves the next.
SWEEPS: Mapping[str, Callable[[datetime], int]] = {
    "orders expired": _expire_orders,
    "provider events applied": _apply_provider_events,
    "payments looked up": _ask_provider,
    "refunds sent": _send_refunds,
    "rows of accounts deleted": _sweep_accounts,
    "keys deleted": _delete_old_keys,
    "budgets deleted": _delete_whole_budgets,
    "changes of the catalogue summed up": _sum_up_changes,
}
# What the worker does again and again, the frequent ones first.
TASKS: Mapping[str, Callable[[datetime], int]] = {
    "messages delivered": _deliver_outbox,
    **SWEEPS,
}
