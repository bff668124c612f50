"""Everything that is due because time has passed, once."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from shop_backend import background

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Runs every sweep of the worker until nothing is due: overdue orders and their holds,"
        " payments nobody settled, refunds left behind, dead registrations, codes, sessions,"
        " idempotency keys. Safe at any time, twice, and while the shop sells and the worker runs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        failed = []
        for name in background.SWEEPS:
            try:
                done = self._sweep(name)
            except Exception:  # one broken sweep must not stop the others
                logger.exception("the sweep failed: %s", name)
                failed.append(name)
            else:
                self.stdout.write(f"{done:>8} {name}")
        if failed:
            raise CommandError(f"Failed, see the log: {', '.join(failed)}.")

    def _sweep(self, name: str) -> int:
        total = 0
        with tqdm(desc=name, unit="row", file=self.stderr, disable=None) as progress:
            for done in background.sweep(name):
                total += done
                progress.update(done)
        return total
