"""Reads the recording: the raw "Online Retail" file, invoice by invoice."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import BinaryIO, NamedTuple

from catalog.imports.online_retail import RAW_COLUMNS, NotTheRawFile
from catalog.imports.text_files import decoded_lines, uncompressed


class Line(NamedTuple):
    """One line of an invoice. Negative quantities are returns and write-offs."""

    sku: str
    quantity: int
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        """What it adds to the file's takings, in pounds, exactly."""
        return self.quantity * self.unit_price


@dataclass(slots=True)
class Invoice:
    """What stands under one number. ``customer`` is empty where the file names none."""

    number: str
    customer: str
    country: str
    lines: list[Line] = field(default_factory=list)


def read_invoices(stream: BinaryIO, *, limit: int | None = None) -> list[Invoice]:
    """Read the raw file, gzip or plain, in its own order.

    :param stream: the file, opened in binary mode.
    :param limit: only the first so many invoices; all their lines.
    :raises NotTheRawFile: its columns or numbers are not those of the raw file.
    """
    reader = csv.reader(decoded_lines(uncompressed(stream)))
    if tuple(next(reader, ())) != RAW_COLUMNS:
        raise NotTheRawFile(f"The first line must read {','.join(RAW_COLUMNS)}.")
    invoices: dict[str, Invoice] = {}
    for cells in reader:
        try:
            _add(invoices, cells, limit)
        except (ValueError, InvalidOperation) as error:
            raise NotTheRawFile(f"Line {reader.line_num}: {error}") from error
    return list(invoices.values())


def amount_of(invoices: Iterable[Invoice]) -> Decimal:
    """Return what the invoices come to in pounds."""
    return sum((line.amount for invoice in invoices for line in invoice.lines), Decimal(0))


def _add(invoices: dict[str, Invoice], cells: list[str], limit: int | None) -> None:
    number, code, _description, quantity, _date, price, customer, country = cells
    if number not in invoices:
        if limit is not None and len(invoices) >= limit:
            return  # the rest of an earlier invoice may still follow
        invoices[number] = Invoice(number, customer.removesuffix(".0"), country)
    line = Line(code.strip().upper(), int(quantity), Decimal(price))
    invoices[number].lines.append(line)
