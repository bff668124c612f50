"""Reads the import format: one SKU a row, as CSV or as JSON lines, plain or gzip, UTF-8.

Columns (CSV: named by the first line, in any order; JSON lines: keys of each object):

========================  ======================================================================
``sku``                   required, at most 64 characters, once a file (case does not matter)
``name``                  required, at most 200 characters
``price``                 required, a decimal with at most the currency's decimals: ``19.99``
``currency``              three letters; empty: the caller's default
``description``           at most 10,000 characters; the only text that may hold line breaks
``category``              a path from the top: ``Home > Lighting``; each name at most 100
``stock``                 units, 0 to 1,000,000,000; empty: leave it as it is
``weight_grams``          0 to 1,000,000,000; empty: not known
``is_active``             true/false, yes/no, 1/0; empty: true
``product``               lower-case words joined by hyphens; rows that share it are variants of
                          one product; empty: the row is a product of its own
``options``               what tells the variants apart: ``Colour=Red;Size=M``
========================  ======================================================================

Every cell is plain text: one that looks like a formula is a name like any other. A bad row is
reported with its line and a stable code and does not stop the file; a bad header or a file that
is not what it says does (``BadImportFile``). Memory does not grow with the file: the SKUs seen
are kept in a temporary SQLite file of their own.
"""

import csv
import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from django.core.exceptions import ValidationError

from catalog.imports.text_files import DamagedFile, decoded_lines, uncompressed
from catalog.models import RESERVED_SLUGS, validate_slug
from inventory.models import MAX_UNITS
from shop_backend.kernel.money import InvalidMoney, Money

REQUIRED_COLUMNS = ("sku", "name", "price")
OPTIONAL_COLUMNS = (
    "description",
    "category",
    "currency",
    "stock",
    "weight_grams",
    "is_active",
    "product",
    "options",
)
COLUMNS = REQUIRED_COLUMNS + OPTIONAL_COLUMNS

MAX_LENGTHS = {
    "sku": 64,
    "name": 200,
    "description": 10_000,
    "category": 1_000,
    "price": 24,
    "currency": 3,
    "stock": 10,
    "weight_grams": 10,
    "is_active": 5,
    "product": 200,
    "options": 1_000,
}
MAX_CATEGORY_NAME = 100
MAX_CATEGORY_DEPTH = 10
MAX_OPTIONS = 10
MAX_OPTION_NAME = 50
MAX_OPTION_VALUE = 50
MAX_WEIGHT_GRAMS = 1_000_000_000

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_PRICE = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


class BadImportFile(ValueError):
    """The file as a whole cannot be read: no rows, an unknown column, damaged gzip.

    :param code: a stable word for it.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row was refused.

    :param code: a stable word for it, such as ``bad_price``.
    :param column: the culprit, or "" when it is the row as a whole.
    :param message: a sentence for the person who keeps the file.
    """

    code: str
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """One SKU as the file describes it, checked field by field.

    :param stock: units, or ``None`` to leave the stock as it is.
    :param weight_grams: ``None`` when the file does not say.
    :param product: the key shared by the variants of a product; "" for a product of its own.
    """

    sku: str
    name: str
    description: str
    category: tuple[str, ...]
    price_minor: int
    currency: str
    stock: int | None
    weight_grams: int | None
    is_active: bool
    product: str
    options: tuple[tuple[str, str], ...]


class _Refused(Exception):
    """Carries a ``RowError`` out of the checks of one row."""

    def __init__(self, code: str, column: str, message: str) -> None:
        self.error = RowError(code, column, message)
        super().__init__(message)


Cells = Mapping[str, str]
_Parsed = Cells | RowError


def read_rows(stream: BinaryIO, *, default_currency: str) -> Iterator[tuple[int, Row | RowError]]:
    """Yield ``(line number, row or error)`` for every row of the file.

    The number is that of the line the row starts on, the header being line 1.

    :param stream: a seekable binary file at its start.
    :param default_currency: of rows that name none.
    :raises BadImportFile: the file as a whole cannot be read. Rows before the damage have
        been yielded by then.
    """
    lines = decoded_lines(uncompressed(stream))
    with closing(_SeenSkus()) as seen:
        try:
            for number, cells in _cells(lines):
                if isinstance(cells, RowError):
                    yield number, cells
                    continue
                try:
                    row = _row(cells, default_currency)
                    seen.add(row.sku, number)
                except _Refused as refused:
                    yield number, refused.error
                else:
                    yield number, row
        except DamagedFile as error:
            raise BadImportFile("damaged_file", str(error)) from error


def _cells(lines: Iterator[str]) -> Iterator[tuple[int, _Parsed]]:
    """Yield line numbers and cells, from CSV or from JSON lines: the first line tells."""
    for skipped, first in enumerate(lines):
        if first.strip():
            read = _json_cells if first.lstrip().startswith("{") else _csv_cells
            yield from read(first, lines, skipped)
            return
    raise BadImportFile("empty_file", "The file has no header and no rows.")


def _csv_cells(first: str, lines: Iterator[str], skipped: int) -> Iterator[tuple[int, _Parsed]]:
    header = _header(first)
    reader = csv.reader(lines, strict=True)
    while True:
        number = skipped + 2 + reader.line_num
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, RowError("bad_csv", "", f"This is no CSV: {error}.")
            continue
        if len(values) == len(header):
            yield number, dict(zip(header, values, strict=True))
        elif any(values):
            message = f"The header has {len(header)} cells, this row has {len(values)}."
            yield number, RowError("wrong_cell_count", "", message)


def _header(line: str) -> list[str]:
    if "\0" in line or any("\ud800" <= char <= "\udfff" for char in line):
        raise BadImportFile("not_utf8", "The file is not UTF-8 text.")
    try:
        names = [name.strip().lower() for name in next(csv.reader([line], strict=True))]
    except csv.Error as error:
        raise BadImportFile("bad_header", f"The header is no CSV: {error}.") from error
    problem = _column_problem(names)
    if problem:
        raise BadImportFile(*problem)
    return names


def _column_problem(names: list[str]) -> tuple[str, str] | None:
    """Return the code and the message of what is wrong with a set of columns."""
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown[:5])
        return "unknown_column", f"Unknown column {shown}. Known are: {', '.join(COLUMNS)}."
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return "duplicate_column", f"Column named twice: {', '.join(twice)}."
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        return "missing_column", f"Column missing: {', '.join(missing)}."
    return None


def _json_cells(first: str, lines: Iterator[str], skipped: int) -> Iterator[tuple[int, _Parsed]]:
    yield skipped + 1, _json_object(first)
    for number, line in enumerate(lines, start=skipped + 2):
        if line.strip():
            yield number, _json_object(line)


def _json_object(line: str) -> _Parsed:
    """Read one object. Numbers stay the text they were written as, so a price stays exact."""
    try:
        pairs = json.loads(
            line, object_pairs_hook=list, parse_float=str, parse_int=str, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        return RowError("bad_json", "", f"This is no JSON: {str(error)[:100]}.")
    if not isinstance(pairs, list) or not line.lstrip().startswith("{"):
        return RowError("bad_json", "", "Each line is one JSON object.")
    problem = _column_problem([name for name, _value in pairs])
    if problem:
        return RowError(problem[0], "", problem[1])
    cells = {}
    for name, value in pairs:
        if isinstance(value, bool) and name == "is_active":
            value = str(value)
        if not isinstance(value, str | None):
            return RowError("bad_json", name, "A value is a text or a number, or null.")
        cells[name] = value or ""
    return cells


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _row(cells: Cells, default_currency: str) -> Row:
    text = {name: _checked_text(name, cells.get(name, "")) for name in COLUMNS}
    for name in REQUIRED_COLUMNS:
        if not text[name]:
            raise _Refused("required", name, f"Every row needs a {name}.")
    price = _price(text["price"], text["currency"].upper() or default_currency)
    return Row(
        sku=text["sku"],
        name=text["name"],
        description=text["description"],
        category=_category(text["category"]),
        price_minor=price.minor,
        currency=price.currency,
        stock=_count(text["stock"], "stock", MAX_UNITS),
        weight_grams=_count(text["weight_grams"], "weight_grams", MAX_WEIGHT_GRAMS),
        is_active=_flag(text["is_active"]),
        product=_product(text["product"]),
        options=_options(text["options"]),
    )


def _checked_text(column: str, value: str) -> str:
    """Return the text without the space around it; refuse what no database should hold."""
    text = value.strip(" \t\r\n")
    if len(text) > MAX_LENGTHS[column]:
        raise _Refused("too_long", column, f"At most {MAX_LENGTHS[column]:,} characters.")
    allowed = "\t\r\n" if column == "description" else ""
    # Cc: control characters, NUL among them; Cs: lone surrogates, which bytes that are no UTF-8
    # become as well.
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text):
        raise _Refused("bad_text", column, "It holds control characters or is not UTF-8.")
    return text


def _price(text: str, currency: str) -> Money:
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise _Refused("bad_currency", "currency", "A currency is three letters, such as EUR.")
    if not _PRICE.fullmatch(text):
        raise _Refused("bad_price", "price", "A price is a plain decimal number, 0 or more.")
    try:
        return Money.parse(text, currency)
    except InvalidMoney as error:
        raise _Refused("bad_price", "price", str(error)) from error


def _count(text: str, column: str, most: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise _Refused(f"bad_{column}", column, f"A whole number from 0 to {most:,}.")
    return int(text)


def _flag(text: str) -> bool:
    if not text:
        return True
    if text.lower() not in _FLAGS:
        raise _Refused("bad_flag", "is_active", "Write true or false.")
    return _FLAGS[text.lower()]


def _category(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    path = tuple(name.strip() for name in text.split(">"))
    if not all(path):
        raise _Refused("bad_category", "category", "A path has names: Home > Lighting.")
    if len(path) > MAX_CATEGORY_DEPTH or max(map(len, path)) > MAX_CATEGORY_NAME:
        raise _Refused(
            "bad_category",
            "category",
            f"At most {MAX_CATEGORY_DEPTH} names of at most {MAX_CATEGORY_NAME} characters.",
        )
    return path


def _product(text: str) -> str:
    if not text:
        return ""
    if text in RESERVED_SLUGS:
        raise _Refused("bad_product", "product", f"{text!r} is a step of other paths.")
    try:
        validate_slug(text)
    except ValidationError as error:
        raise _Refused("bad_product", "product", str(validate_slug.message)) from error
    return text


def _options(text: str) -> tuple[tuple[str, str], ...]:
    if not text:
        return ()
    options = []
    for part in text.split(";"):
        name, _equals, value = (piece.strip() for piece in part.partition("="))
        if not 0 < len(name) <= MAX_OPTION_NAME or not 0 < len(value) <= MAX_OPTION_VALUE:
            raise _Refused("bad_options", "options", "Write options as Colour=Red;Size=M.")
        options.append((name, value))
    if len(options) > MAX_OPTIONS:
        raise _Refused("bad_options", "options", f"At most {MAX_OPTIONS} options.")
    if len({name.casefold() for name, _value in options}) < len(options):
        raise _Refused("bad_options", "options", "Each option is named once.")
    return tuple(options)


class _SeenSkus:
    """Which SKU stood on which line, in a private temporary file that SQLite deletes."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE seen (sku TEXT PRIMARY KEY, line INT) WITHOUT ROWID")

    def add(self, sku: str, line: int) -> None:
        key = sku.casefold()
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line))
        if not added.rowcount:
            found = self._database.execute("SELECT line FROM seen WHERE sku = ?", (key,))
            raise _Refused(
                "duplicate_sku", "sku", f"This SKU stands on line {found.fetchone()[0]} already."
            )

    def close(self) -> None:
        self._database.close()
