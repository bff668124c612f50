"""Turns the raw "Online Retail" file into a catalogue in our import format.

The raw file (Daqing Chen, "Online Retail", UCI Machine Learning Repository, 2015,
DOI 10.24432/C5BW33, CC BY 4.0) holds the invoice lines of one year of a shop. The catalogue
has one row a SKU:

- **SKU**: the stock code in capitals; codes that differ only in case are one SKU.
- **Name**: the commonest description of its priced lines (notes such as "damages" or "?" stand
  on unpriced lines only), in title case.
- **Price**: the commonest unit price of its ordinary sales; on a tie the lower. A code that was
  only ever sent back has the price of its returns.
- **Stock**: one month's sales: units sold less units sent back, divided by twelve and rounded up.
- **Category** and **weight**: by the keywords of ``online_retail_rules``; a weight is an estimate
  for the whole category.
- **Product**: SKUs with the same five digits whose names are equal but for one colour (or, failing
  that, one size) are variants of one product with the option ``Colour`` (or ``Size``).

Left out are codes that are no goods (postage, fees, vouchers, …) and codes that were never priced.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import zip_longest
from typing import BinaryIO, NamedTuple, TextIO

from catalog.imports import online_retail_rules as rules
from catalog.imports.text_files import decoded_lines, uncompressed
from shop_backend.kernel.money import InvalidMoney, Money

CURRENCY = "GBP"
RAW_COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
CATALOGUE_COLUMNS = (
    "sku",
    "name",
    "description",
    "category",
    "price",
    "currency",
    "stock",
    "weight_grams",
    "is_active",
    "product",
    "options",
)

# Five digits and at most two letters, or the shop's second range (dog collars, party bags).
_GOODS_CODE = re.compile(r"\d{5}[A-Z]{0,2}|DCGS[A-Z0-9]+")
_SHADE = "|".join(rules.SHADES)
_COLOUR = "|".join(sorted(rules.COLOURS, key=len, reverse=True))
_OPTIONS = {
    # "SILVER/BLACK" and "RED+WHITE" are no one colour.
    "Colour": re.compile(rf"(?<![\w/+-])(?:(?:{_SHADE}) )?(?:{_COLOUR})(?![\w/+-])(?: COLOUR\b)?"),
    "Size": re.compile(rf"\b(?:{'|'.join(rules.SIZES)})\b"),
}


class NotTheRawFile(ValueError):
    """The file is not the raw "Online Retail" file."""


class InvoiceLine(NamedTuple):
    """One line of the raw file. A price of nothing means a note or a correction."""

    invoice: str
    sku: str
    description: str
    quantity: int
    price_minor: int

    @property
    def is_priced(self) -> bool:
        """Whether it names a price at all; notes and corrections do not."""
        return self.price_minor > 0

    @property
    def is_sale(self) -> bool:
        """Whether it is an ordinary sale; "C" is a cancellation, "A" an adjustment."""
        return self.is_priced and self.quantity > 0 and self.invoice.isdigit()


@dataclass(slots=True)
class _History:
    """What the lines of one SKU add up to."""

    names: Counter[str] = field(default_factory=Counter)
    sale_prices: Counter[int] = field(default_factory=Counter)
    other_prices: Counter[int] = field(default_factory=Counter)
    units_sold: int = 0
    lines: int = 0

    def add(self, line: InvoiceLine) -> None:
        self.lines += 1
        if not line.is_priced:
            return
        self.units_sold += line.quantity
        self.names[" ".join(line.description.upper().split())] += 1
        (self.sale_prices if line.is_sale else self.other_prices)[line.price_minor] += 1

    @property
    def name(self) -> str:
        """The commonest description; of equally common ones the longest."""
        return min(self.names, key=lambda name: (-self.names[name], -len(name), name))

    @property
    def price_minor(self) -> int:
        """The commonest price; of equally common ones the lower."""
        prices = self.sale_prices or self.other_prices
        return min(prices, key=lambda price: (-prices[price], price))


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One SKU of the catalogue. ``units_sold`` is not written."""

    sku: str
    name: str
    category: str
    price_minor: int
    stock: int
    weight_grams: int
    units_sold: int
    product: str
    options: tuple[tuple[str, str], ...] = ()
    description: str = ""

    @property
    def takings_minor(self) -> int:
        """What the units sold come to at this price."""
        return self.units_sold * self.price_minor

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of ``CATALOGUE_COLUMNS``."""
        return (
            self.sku,
            self.name,
            self.description,
            self.category,
            Money(self.price_minor, CURRENCY).decimal_string,
            CURRENCY,
            str(self.stock),
            str(self.weight_grams),
            "true",
            self.product,
            ";".join(f"{name}={value}" for name, value in self.options),
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule that left codes out: how many codes, how many lines, and which codes."""

    rule: str
    codes: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The rows, by SKU, and what was left out."""

    rows: list[CatalogueRow]
    left_out: list[LeftOut]

    @property
    def products(self) -> dict[str, list[CatalogueRow]]:
        """The rows of each product, by product key."""
        products: dict[str, list[CatalogueRow]] = defaultdict(list)
        for row in self.rows:
            products[row.product].append(row)
        return dict(products)


def read_invoice_lines(stream: BinaryIO) -> Iterator[InvoiceLine]:
    """Read the raw file, gzip or plain, line by line.

    :param stream: the file, opened in binary mode.
    :raises NotTheRawFile: its columns or numbers are not those of the raw file.
    """
    reader = csv.reader(decoded_lines(uncompressed(stream)))
    if tuple(next(reader, ())) != RAW_COLUMNS:
        raise NotTheRawFile(f"The first line must read {','.join(RAW_COLUMNS)}.")
    for cells in reader:
        try:
            invoice, code, description, quantity, _date, price, _customer, _country = cells
            line = InvoiceLine(
                invoice, code.strip().upper(), description, int(quantity), _pence(price)
            )
        except ValueError as error:
            raise NotTheRawFile(f"Line {reader.line_num}: {error}") from error
        yield line


def build_catalogue(lines: Iterable[InvoiceLine]) -> Catalogue:
    """Turn invoice lines into a catalogue, and count what is left out and why."""
    histories: dict[str, _History] = defaultdict(_History)
    for line in lines:
        histories[line.sku].add(line)

    goods: dict[str, _History] = {}
    left_out: dict[str, list[str]] = defaultdict(list)
    for sku, history in sorted(histories.items()):
        rule = _reason_to_leave_out(sku, history)
        if rule:
            left_out[rule].append(sku)
        else:
            goods[sku] = history
    return Catalogue(
        rows=_with_descriptions(_as_products(goods)),
        left_out=[
            LeftOut(rule, tuple(codes), sum(histories[code].lines for code in codes))
            for rule, codes in sorted(left_out.items())
        ],
    )


def demo_rows(catalogue: Catalogue, *, products: int) -> list[CatalogueRow]:
    """Pick the best sellers (by takings) of every category in turn, and empty some shelves.

    One product in eight is chosen for having variants. So that a demo shows short stock, every
    thirtieth row keeps 1 to 5 units and two rows keep none.

    :param products: how many products to pick.
    """
    best_first = sorted(
        catalogue.products.items(),
        key=lambda entry: (-sum(row.takings_minor for row in entry[1]), entry[0]),
    )
    with_variants = [entry for entry in best_first if len(entry[1]) > 1]
    picked = dict(_in_turn(with_variants)[: products // 8])
    for key, rows in _in_turn(best_first):
        if len(picked) == products:
            break
        picked.setdefault(key, rows)
    chosen = sorted((row for rows in picked.values() for row in rows), key=lambda row: row.sku)
    return [_with_short_stock(row, index) for index, row in enumerate(chosen)]


def write_catalogue(rows: Iterable[CatalogueRow], stream: TextIO) -> None:
    """Write rows in the import format, as CSV."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CATALOGUE_COLUMNS)
    writer.writerows(row.cells() for row in rows)


def readable_name(description: str) -> str:
    """Spell an upper-case description so that a person can read it.

    "S/4 WHITE T-LIGHTS W HOLDER" becomes "Set of 4 White T-Lights with Holder".
    """
    text = re.sub(r"\bS(?:ET)?/(?=\d)", "SET OF ", description.upper().replace("W/", "W "))
    text = re.sub(r"\bPACK/(?=\d)", "PACK OF ", text)
    text = re.sub(r"NECKL\.?(?=\d)", "NECKLACE ", text)
    text = re.sub(r'(?<=\d")(?=[A-Z])', " ", text)
    text = re.sub(r"\s*,\s*", ", ", text)
    text = re.sub(r"(?<=\S)\(", " (", text).strip(" *.,")
    words = [rules.ABBREVIATIONS.get(word.rstrip("."), word) for word in text.split()]
    name = " ".join(_title(word) for word in words)
    return name[:1].upper() + name[1:]


def category_for(description: str) -> rules.CategoryRule:
    """Return the first category with a keyword in the upper-case description, else "Other"."""
    for rule, pattern in _category_patterns():
        if pattern.search(description):
            return rule
    return rules.OTHER


def slug_for(name: str) -> str:
    """Return a name as a product key: lower-case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")


@cache
def _pence(price: str) -> int:
    try:
        return Money.parse(price, CURRENCY).minor
    except InvalidMoney:
        return 0  # fractions of a penny price nothing that can be sold


def _reason_to_leave_out(sku: str, history: _History) -> str:
    if not _GOODS_CODE.fullmatch(sku):
        return "no goods code"
    if sku in rules.SERVICES:
        return "a service, not goods"
    if not history.names:
        return "never priced"
    return ""


@cache
def _category_patterns() -> tuple[tuple[rules.CategoryRule, re.Pattern[str]], ...]:
    patterns = []
    for rule in rules.CATEGORY_RULES:
        keywords = "|".join(re.escape(word.strip()) for word in rule.keywords.split(","))
        patterns.append((rule, re.compile(rf"\b(?:{keywords})(?:S|ES)?\b")))
    return tuple(patterns)


def _title(word: str) -> str:
    if word.lower() in rules.SMALL_WORDS:
        return word.lower()
    if word.strip(",()") in rules.ACRONYMS:
        return word
    if re.match(r"\d", word):  # sizes and units: 16X16CM, 70'S, 3.5G
        return word.lower()
    return re.sub(r"(?<![A-Z'])[A-Z][A-Z']*", lambda part: part[0].capitalize(), word)


def _as_products(goods: Mapping[str, _History]) -> list[CatalogueRow]:
    """Make a row of each SKU; those that differ by one option become one product."""
    rows = []
    taken: set[str] = set()
    for members, option in _families(goods):
        first = goods[members[0][0]].name
        shared = _OPTIONS[option].sub(" ", first) if option else first
        name = readable_name(" ".join(shared.split()))
        product = slug_for(name)
        if product in taken:
            product = f"{product}-{members[0][0].lower()}"
        taken.add(product)
        category = category_for(name.upper())
        for sku, value in members:
            history = goods[sku]
            rows.append(
                CatalogueRow(
                    sku=sku,
                    name=name,
                    category=category.path,
                    price_minor=history.price_minor,
                    stock=-(-max(history.units_sold, 0) // 12),
                    weight_grams=category.weight_grams,
                    units_sold=max(history.units_sold, 0),
                    product=product,
                    options=((option, value),) if option else (),
                )
            )
    return sorted(rows, key=lambda row: row.sku)


def _families(goods: Mapping[str, _History]) -> list[tuple[list[tuple[str, str]], str]]:
    """Return ``([(sku, option value), …], option name)`` a product; one SKU has no option."""
    single = dict.fromkeys(goods)
    families = []
    for option in _OPTIONS:
        groups: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for sku in single:
            value, rest = _option_of(goods[sku].name, option)
            if value:
                # The second SKU of one colour stays a product of its own.
                groups[sku[:5], rest].setdefault(value, sku)
        for group in groups.values():
            if len(group) > 1:
                members = [(sku, value) for value, sku in group.items()]
                families.append((members, option))
                for sku, _value in members:
                    del single[sku]
    families += [([(sku, "")], "") for sku in single]
    return sorted(families)


def _option_of(name: str, option: str) -> tuple[str, str]:
    """Return the one colour (or size) in a name and the name without it; "" if not just one."""
    found = _OPTIONS[option].findall(name)
    if len(found) != 1:
        return "", name
    known = rules.COLOURS | rules.SIZES
    words = found[0].removesuffix(" COLOUR").split()
    value = " ".join(known.get(word, word.capitalize()) for word in words)
    return value, " ".join(re.split(r"[ ,]+", _OPTIONS[option].sub(" ", name))).strip()


def _with_descriptions(rows: Sequence[CatalogueRow]) -> list[CatalogueRow]:
    products = Catalogue(list(rows), []).products
    texts = {key: _description(variants) for key, variants in products.items()}
    return [replace(row, description=texts[row.product]) for row in rows]


def _description(variants: Sequence[CatalogueRow]) -> str:
    """Say what the raw file knows, and nothing else."""
    first = variants[0]
    text = first.category.rpartition(" > ")[2]
    if first.options:
        option = first.options[0][0].lower()
        values = ", ".join(row.options[0][1] for row in variants)
        text += f", in {len(variants)} {option}s: {values}"
    units = sum(row.units_sold for row in variants)
    sold = f"sold {units:,} unit{'s' * (units != 1)}" if units else "offered it"
    return f"{text}. A UK online gift shop {sold} between December 2010 and December 2011."


_Products = list[tuple[str, list[CatalogueRow]]]


def _in_turn(products: _Products) -> _Products:
    """Deal the products round the categories: the best of each, then the second of each, …"""
    piles: dict[str, _Products] = defaultdict(list)
    for entry in products:
        piles[entry[1][0].category].append(entry)
    return [entry for deal in zip_longest(*piles.values()) for entry in deal if entry]


def _with_short_stock(row: CatalogueRow, index: int) -> CatalogueRow:
    turn, place = divmod(index, 30)
    if place == 10:
        return replace(row, stock=1 + turn % 5)
    if place == 20 and turn in (2, 8):
        return replace(row, stock=0)
    return row
