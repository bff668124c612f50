"""Makes a catalogue in our import format from the raw "Online Retail" file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.imports import online_retail
from catalog.imports.text_files import DamagedFile


class Command(BaseCommand):
    help = (
        "Turn the raw Online Retail file (CSV, plain or gzip) into a catalogue for "
        "import_catalogue. The output appears when it is complete, or not at all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("raw_file", type=Path)
        parser.add_argument("out_file", type=Path)
        parser.add_argument(
            "--best-sellers",
            type=int,
            metavar="PRODUCTS",
            help="only that many products, picked from all categories, with some short stock",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        out_file: Path = options["out_file"]
        try:
            with options["raw_file"].open("rb") as raw:
                catalogue = online_retail.build_catalogue(_with_progress(raw))
            rows = catalogue.rows
            if options["best_sellers"] is not None:
                rows = online_retail.demo_rows(catalogue, products=options["best_sellers"])
            self._write(rows, out_file)
        except (OSError, DamagedFile, online_retail.NotTheRawFile) as error:
            raise CommandError(str(error)) from error

        products = len({row.product for row in rows})
        self.stdout.write(f"{len(rows):,} SKUs of {products:,} products in {out_file}")
        for rule in catalogue.left_out:
            self.stdout.write(
                f"left out, {rule.rule}: {len(rule.codes):,} codes, {rule.lines:,} lines"
            )

    def _write(self, rows: list[online_retail.CatalogueRow], out_file: Path) -> None:
        unfinished = out_file.with_name(f".{out_file.name}.part")
        try:
            with unfinished.open("w", encoding="utf-8", newline="") as stream:
                online_retail.write_catalogue(rows, stream)
            unfinished.replace(out_file)
        finally:
            unfinished.unlink(missing_ok=True)


def _with_progress(raw: BinaryIO) -> Iterator[online_retail.InvoiceLine]:
    """Pass the lines on, showing how much of the file has been read."""
    size = raw.seek(0, 2)
    raw.seek(0)
    with tqdm(total=size, unit="B", unit_scale=True, desc="Reading", delay=0.5) as bar:
        for number, line in enumerate(online_retail.read_invoice_lines(raw)):
            if number % 1000 == 0:
                bar.update(raw.tell() - bar.n)
            yield line
        bar.update(size - bar.n)
