"""Holds the shop's payments against what the provider says."""

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from tqdm import tqdm

from payments import services
from payments.errors import ProviderUnavailable
from shop_backend.kernel import audit


class Command(BaseCommand):
    help = (
        "Asks the provider about everything that went quiet: open payments, cancellations and"
        " refunds without an end, events that were not applied. What webhooks did not tell is"
        " applied; what changed is printed. Exits with 1 if something is not settled. The shop may"
        " sell meanwhile; the command can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            metavar="TIME",
            type=_read_time,
            help="Ask about settled payments, too, that had news since then (ISO 8601).",
        )
        parser.add_argument(
            "--quiet-minutes",
            type=int,
            default=1,
            help="Leave out what was asked about so lately (1).",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Print what would be asked about; ask nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        quiet_for = timedelta(minutes=options["quiet_minutes"])
        payments = services.get_quiet_payments(quiet_for=quiet_for, since=options["since"])
        events = services.get_unapplied_events()
        if options["dry_run"]:
            for pk in payments:
                self.stdout.write(f"payment {pk} would be asked about.")
            self.stdout.write(f"{len(payments)} payments, {len(events)} events to apply.")
            return
        with audit.command("reconcile_payments") as done:
            applied = sum(services.reconcile_events())
            healed, unsettled = self._ask_about(payments)
            done.update(applied=applied, changed=healed)
        # What has come in meanwhile is being applied by whoever brought it.
        unsettled += len(set(events) & set(services.get_unapplied_events()))
        self.stdout.write(
            f"{applied} events applied, {len(payments)} payments asked about, {healed} changed,"
            f" {unsettled} not settled."
        )
        if unsettled:
            raise CommandError(f"{unsettled} are not settled: a person has to look.")

    def _ask_about(self, payments: list[int]) -> tuple[int, int]:
        healed = unsettled = 0
        progress = tqdm(payments, unit="payment", file=self.stderr, disable=None)
        for count, pk in enumerate(progress):
            try:
                outcome = services.reconcile_payment(payment_id=pk)
            except ProviderUnavailable as error:
                left = len(payments) - count
                raise CommandError(f"{error} {left} payments were not asked about.") from error
            if outcome.has_changed or outcome.problem:
                self.stdout.write(str(outcome))
            healed += outcome.has_changed
            unsettled += bool(outcome.problem)
        return healed, unsettled


def _read_time(text: str) -> datetime:
    """Read a time, or a day from its start, in the shop's own zone unless it names another."""
    found = parse_datetime(text)
    if found is None and (day := parse_date(text)) is not None:
        found = datetime(day.year, day.month, day.day)
    if found is None:
        raise ValueError(text)
    return found if timezone.is_aware(found) else timezone.make_aware(found)
