"""The background worker of a shop without a broker."""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections, connection

from shop_backend import background

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Delivers what is waiting in the outbox, expires overdue orders, applies provider events"
        " and cleans up; any number of workers may run. Ends on SIGTERM or Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="One pass, then end.")
        parser.add_argument(
            "--every", type=float, default=5.0, help="Seconds between passes (default 5)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ended = threading.Event()

        def end(signum: int, frame: FrameType | None) -> None:
            ended.set()

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, end)
            signal.signal(signal.SIGINT, end)
        while True:
            self._pass()
            if options["once"] or ended.wait(options["every"]):
                return

    def _pass(self) -> None:
        if not connection.in_atomic_block:  # as it is when a test makes the pass
            close_old_connections()
        done = {name: count for name, count in background.run_once().items() if count}
        if done:
            logger.info("worker: %s", ", ".join(f"{count} {name}" for name, count in done.items()))
