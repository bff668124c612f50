"""``manage.py import_catalogue FILE``: products from CSV or JSON lines, gzip or not."""

import contextlib
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from catalog import services
from catalog.imports.rows import BadImportFile, read_rows
from catalog.services import Outcome, Stock
from shop_backend.kernel import audit


class Command(BaseCommand):
    help = (
        "Import products from a CSV or JSON lines file, plain or gzip, one SKU a row. Columns: sku,"
        " name, price (required); description, category (Home > Lighting), currency, stock,"
        " weight_grams, is_active, product (rows that share it are variants of one product),"
        " options (Colour=Red;Size=M). Running it again updates what differs and never doubles;"
        " what is left empty stays as it is. Stock is set for new SKUs only, so that a second run"
        " does not bring back what was sold; --stock books the file's numbers as a count of today."
        " It may be broken off and run again. Rows that fail are told on stderr with their line,"
        " and make the command exit with 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would happen, and change nothing."
        )
        parser.add_argument(
            "--stock", action="store_true", help="Count the stock of known SKUs again, too."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stock = Stock.COUNTED if options["stock"] else Stock.OF_NEW_SKUS
        try:
            with options["file"].open("rb") as stream:
                counts = (self._try if options["dry_run"] else self._write)(stream, stock)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        except BadImportFile as error:
            raise CommandError(f"{options['file']}: {error} [{error.code}]") from error
        except KeyboardInterrupt as error:
            raise CommandError("Broken off; run it again to take up the rest.") from error
        told = ", ".join(f"{outcome.value} {counts[outcome]:,}" for outcome in Outcome)
        self.stdout.write(f"{'Dry run: ' if options['dry_run'] else ''}{told}.")
        if counts[Outcome.FAILED]:
            raise CommandError(f"{counts[Outcome.FAILED]:,} rows failed.")

    def _try(self, stream: BinaryIO, stock: Stock) -> Counter[Outcome]:
        with _undone():
            return self._run(stream, stock)

    def _write(self, stream: BinaryIO, stock: Stock) -> Counter[Outcome]:
        with audit.command("import_catalogue") as done:
            counts = self._run(stream, stock)
            done.update({outcome.value: counts[outcome] for outcome in Outcome})
        return counts

    def _run(self, stream: BinaryIO, stock: Stock) -> Counter[Outcome]:
        counts: Counter[Outcome] = Counter()
        rows = read_rows(stream, default_currency=settings.SHOP_CURRENCY)
        results = services.import_rows(rows, stock=stock)
        for result in tqdm(results, unit=" rows", disable=None, leave=False):
            counts[result.outcome] += 1
            if result.error is not None:
                where = f"line {result.line}"
                if result.error.column:
                    where += f", {result.error.column}"
                self.stderr.write(f"{where}: {result.error.message} [{result.error.code}]")
        return counts


@contextlib.contextmanager
def _undone() -> Iterator[None]:
    """Roll back what happens inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
