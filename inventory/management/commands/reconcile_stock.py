"""Holds the shop's stock against its own books."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from inventory import errors, selectors
from inventory.services import reconciling
from inventory.services.reconciling import Books
from shop_backend.kernel import audit

MOST_LINES = 1000  # that the audit log takes of one run


class Command(BaseCommand):
    help = (
        "Proves that every stock level equals the sums of its ledger and of what is held for"
        " orders; prints the levels that do not, and fails if there are any. The shop may sell"
        " meanwhile; the command can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair",
            action="store_true",
            help="Set wrong counters to what the ledger says, one level at a time.",
        )
        parser.add_argument("--only", metavar="SKU", help="Look at this SKU alone.")

    def handle(self, *args: Any, **options: Any) -> None:
        sku: str | None = options["only"]
        if sku is not None:
            _check_sku(sku)
        if options["repair"]:
            with audit.command("reconcile_stock --repair") as done:
                looked, wrong, mended = self._look_through(sku, repair=True)
                done["mended"] = mended[:MOST_LINES]
        else:
            looked, wrong, mended = self._look_through(sku, repair=False)
        self.stdout.write(f"{looked} levels looked at, {wrong} wrong, {len(mended)} mended.")
        if wrong > len(mended):
            raise CommandError(f"{wrong - len(mended)} levels are not what their books say.")

    def _look_through(self, sku: str | None, *, repair: bool) -> tuple[int, int, list[str]]:
        total = reconciling.count_levels(sku=sku)
        looked = wrong = 0
        mended: list[str] = []
        with tqdm(total=total, unit="level", file=self.stderr, disable=None) as progress:
            for batch in reconciling.look_through(sku=sku):
                for books in (books for books in batch if not books.is_right):
                    wrong += 1
                    if self._deal_with(books, repair=repair):
                        mended.append(str(books))
                looked += len(batch)
                progress.update(len(batch))
        return looked, wrong, mended

    def _deal_with(self, books: Books, *, repair: bool) -> bool:
        is_mended = repair and reconciling.mend_level(level_id=books.level_id)
        if is_mended:
            outcome = "mended"
        elif books.is_mendable:
            outcome = "wrong; --repair mends it"
        else:
            outcome = "the books contradict each other: look at its movements and reservations"
        self.stdout.write(f"{books}: {outcome}")
        return is_mended


def _check_sku(sku: str) -> None:
    try:
        selectors.get_item(sku=sku)
    except errors.ItemNotFound as error:
        raise CommandError(str(error)) from error
