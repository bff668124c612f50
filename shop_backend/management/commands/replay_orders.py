"""Drives a recorded year of a real shop through the API, and compares the books with it."""

import sys
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from catalog.imports.online_retail import NotTheRawFile
from catalog.imports.text_files import DamagedFile
from shop_backend import invariants
from shop_backend.replay import preparing, server
from shop_backend.replay.client import NoAnswer, Refused
from shop_backend.replay.comparing import find_differences, read_books
from shop_backend.replay.invoices import Invoice, read_invoices
from shop_backend.replay.planning import Plan, make_plan
from shop_backend.replay.replaying import Effort, replay
from shop_backend.replay.reporting import Circumstances, Verdict, write_report

INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Replay the invoices of the raw Online Retail file through the shop's API over HTTP, on a"
        " database of its own: register, stock, price, order, pay, ship, deliver, take back,"
        " refund. Ctrl-C finishes what is in flight; run it again to go on, or with a higher"
        " --limit to go further. At the end it checks every invariant and compares the books with"
        " the file; it exits with 1 if anything is broken or unexplained."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="online_retail.csv, plain or gzip")
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N invoices")
        parser.add_argument("--workers", type=int, default=4, help="calls at a time (default 4)")
        parser.add_argument("--url", help="a server that runs already (default: one of its own)")
        parser.add_argument("--port", type=int, help="for its own server (default: a free one)")
        parser.add_argument("--report", type=Path, metavar="FILE", help="write Markdown there")
        parser.add_argument(
            "--this-is-not-a-live-shop",
            action="store_true",
            help="needed with DEBUG off: the replay fills the database with made-up customers",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG and not options["this_is_not_a_live_shop"]:
            raise CommandError(
                "DEBUG is off, so this may be a live shop. If it is not: --this-is-not-a-live-shop"
            )
        try:
            preparing.check_shop()
            invoices, plan = self._plan(options["file"], options["limit"])
            effort = replay(
                plan, url=options["url"], port=options["port"], workers=options["workers"]
            )
        except (OSError, DamagedFile, NotTheRawFile, preparing.NotForTheReplay) as error:
            raise CommandError(str(error)) from error
        except (server.ServerDidNotStart, Refused, NoAnswer) as error:
            raise CommandError(f"The shop cannot be used: {error}") from error
        if effort.is_broken_off:
            self._tell_failures(effort)
            raise CommandError(
                f"{effort.left:,} orders and returns are left: run it again to go on.",
                returncode=INTERRUPTED,
            )
        self._settle(invoices, plan, _circumstances(effort, options), options["report"])

    def _plan(self, file: Path, limit: int | None) -> tuple[list[Invoice], Plan]:
        self.stdout.write(f"Reading {file}")
        catalogue = preparing.read_catalogue(file)
        preparing.have_catalogue(catalogue)
        with file.open("rb") as raw:
            invoices = read_invoices(raw, limit=limit)
        return invoices, make_plan(invoices, preparing.get_limits(catalogue))

    def _settle(
        self,
        invoices: list[Invoice],
        plan: Plan,
        circumstances: Circumstances,
        report: Path | None,
    ) -> None:
        """Compare, check and tell.

        :raises CommandError: something is broken or unexplained.
        """
        self._tell_failures(circumstances.effort)
        books = read_books()
        verdict = Verdict(
            differences=find_differences(plan, books),
            broken_invariants=[
                f"{invariant.code} {invariant.sentence}: {found}"
                for invariant in invariants.ALL
                for found in invariant.find()
            ],
            invariants_checked=len(invariants.ALL),
        )
        page = write_report(
            invoices=invoices,
            plan=plan,
            books=books,
            verdict=verdict,
            circumstances=circumstances,
        )
        if report:
            report.write_text(page, encoding="utf-8")
        self.stdout.write(page)
        if not verdict.is_clean:
            raise CommandError(
                f"{len(verdict.differences):,} unexplained differences,"
                f" {len(verdict.broken_invariants):,} rows that break an invariant.",
                returncode=1,
            )

    def _tell_failures(self, effort: Effort) -> None:
        for name, problem in effort.failures.items():
            self.stderr.write(f"{name}: {problem}")


def _circumstances(effort: Effort, options: dict[str, Any]) -> Circumstances:
    own = f"a gunicorn of its own with {server.WORKERS} workers of {server.THREADS} threads"
    return Circumstances(
        command=" ".join(["manage.py", *sys.argv[1:]]),
        finished_on=date.today().isoformat(),
        setting=(
            f"{connection.vendor}, {own if not options['url'] else 'a server that ran already'},"
            f" {options['workers']} callers at a time"
        ),
        limits=(
            f"MAX_CART_LINES={settings.MAX_CART_LINES},"
            f" MAX_LINE_QUANTITY={settings.MAX_LINE_QUANTITY}"
        ),
        effort=effort,
    )
