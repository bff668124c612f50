"""Reading the import format."""

import gzip
import io
import json
import tracemalloc

import pytest

from catalog.imports.rows import COLUMNS, BadImportFile, Row, RowError, read_rows
from catalog.imports.text_files import MAX_LINE_BYTES


def read(data: bytes | str) -> list[tuple[int, Row | RowError]]:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return list(read_rows(stream, default_currency="GBP"))


def read_one(**cells: str) -> Row | RowError:
    """Read one JSON line; what is not named is sane."""
    [(_line, row)] = read(json.dumps({"sku": "A1", "name": "Mug", "price": "1.00", **cells}))
    return row


def code_of(**cells: str) -> tuple[str, str]:
    row = read_one(**cells)
    assert isinstance(row, RowError)
    return row.code, row.column


FULL_ROW = Row(
    sku="84997A",
    name="Cutlery",
    description="Four, with forks",
    category=("Kitchen & Dining", "Tableware"),
    price_minor=415,
    currency="EUR",
    stock=12,
    weight_grams=420,
    is_active=False,
    product="cutlery",
    options=(("Colour", "Green"), ("Size", "M")),
)
FULL_CSV = (
    "sku,name,description,category,price,currency,stock,weight_grams,is_active,product,options\n"
    '84997A,Cutlery,"Four, with forks",Kitchen & Dining > Tableware,4.15,eur,12,420,no,cutlery,'
    "Colour=Green;Size=M\n"
)
FULL_JSON = (
    '{"sku": "84997A", "name": "Cutlery", "description": "Four, with forks", '
    '"category": "Kitchen & Dining > Tableware", "price": 4.15, "currency": "EUR", "stock": 12, '
    '"weight_grams": "420", "is_active": false, "product": "cutlery", '
    '"options": "Colour=Green;Size=M"}\n'
)


@pytest.mark.parametrize(("text", "line"), [(FULL_CSV, 2), (FULL_JSON, 1)])
@pytest.mark.parametrize(
    "packed",
    [str.encode, lambda text: b"\xef\xbb\xbf" + text.encode(), lambda t: gzip.compress(t.encode())],
    ids=["plain", "with-bom", "gzip"],
)
def test_csv_and_json_lines_say_the_same_thing_in_every_wrapping(text, line, packed):
    assert read(packed(text)) == [(line, FULL_ROW)]


def test_what_a_row_leaves_out_has_documented_defaults():
    [(line, row)] = read("price,sku,name\n1.00,A1,Mug\n")

    assert line == 2
    assert row == Row(
        sku="A1",
        name="Mug",
        description="",
        category=(),
        price_minor=100,
        currency="GBP",
        stock=None,
        weight_grams=None,
        is_active=True,
        product="",
        options=(),
    )


def test_cells_that_look_like_formulas_are_plain_text():
    row = read_one(name='=HYPERLINK("http://evil")', description="@SUM(A1)", sku="-2+3")

    assert isinstance(row, Row)
    assert (row.sku, row.name, row.description) == (
        "-2+3",
        '=HYPERLINK("http://evil")',
        "@SUM(A1)",
    )


def test_a_price_written_as_a_json_number_is_not_rounded():
    [(_line, row)] = read('{"sku": "A", "name": "B", "price": 1.00000000000000000001}')

    assert isinstance(row, RowError)
    assert (row.code, row.column) == ("bad_price", "price")


# Line numbers


def test_rows_are_numbered_by_the_line_they_start_on():
    text = 'sku,name,description,price\nA1,Mug,"two\nlines",1\n\nA2,Cup,,x\nA3,Jar,,3\n'

    numbered = read(text)

    assert [(line, type(row)) for line, row in numbered] == [(2, Row), (5, RowError), (6, Row)]


def test_empty_lines_in_json_lines_count_as_lines():
    assert [line for line, _row in read("\n" + FULL_JSON + "\n{}\n")] == [2, 4]


def test_windows_line_ends_are_read():
    assert read(FULL_CSV.replace("\n", "\r\n")) == [(2, FULL_ROW)]


# The file as a whole


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\n\n", "empty_file"),
        (b"sku,name,price,colour\n", "unknown_column"),
        (b"sku;name;price\n", "unknown_column"),
        (b"sku,name\n", "missing_column"),
        (b"sku,name,price,sku\n", "duplicate_column"),
        (b'sku,"name\n', "bad_header"),
        ("sku,name,price\n".encode("utf-16"), "not_utf8"),
        (gzip.compress(FULL_CSV.encode())[:-9], "damaged_file"),
        (b"\x1f\x8bnonsense", "damaged_file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(data, code):
    with pytest.raises(BadImportFile) as refusal:
        read(data)

    assert refusal.value.code == code


def test_an_unknown_column_is_named_beside_the_known_ones():
    with pytest.raises(BadImportFile) as refusal:
        read("sku,name,price,colour\n")

    assert str(refusal.value) == f"Unknown column 'colour'. Known are: {', '.join(COLUMNS)}."


def test_a_line_without_an_end_is_not_read_into_memory():
    with pytest.raises(BadImportFile) as refusal:
        read(b"sku,name,price\n" + b"x" * (MAX_LINE_BYTES + 1))

    assert refusal.value.code == "damaged_file"


# One row


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("sku", "", "required"),
        ("sku", " \t", "required"),
        ("sku", "x" * 65, "too_long"),
        ("name", "", "required"),
        ("name", "x" * 201, "too_long"),
        ("name", "two\nlines", "bad_text"),
        ("name", "nul\0", "bad_text"),
        ("name", "bell\x07", "bad_text"),
        ("name", "half a pair \ud83d", "bad_text"),
        ("description", "x" * 10_001, "too_long"),
        ("description", "nul\0", "bad_text"),
        ("price", "", "required"),
        ("price", "free", "bad_price"),
        ("price", "-1", "bad_price"),
        ("price", "1.999", "bad_price"),
        ("price", "1,99", "bad_price"),
        ("price", "1e3", "bad_price"),
        ("price", "NaN", "bad_price"),
        ("price", "١.٩٩", "bad_price"),
        ("price", "99999999999999999999", "bad_price"),
        ("currency", "€", "bad_currency"),
        ("currency", "EURO", "too_long"),
        ("stock", "-1", "bad_stock"),
        ("stock", "1.5", "bad_stock"),
        ("stock", "1000000001", "bad_stock"),
        ("stock", "²", "bad_stock"),
        ("weight_grams", "-1", "bad_weight_grams"),
        ("is_active", "maybe", "bad_flag"),
        ("category", "Home > > Lamps", "bad_category"),
        ("category", "x" * 101, "bad_category"),
        ("category", " > ".join("abcdefghijk"), "bad_category"),
        ("product", "Not A Slug", "bad_product"),
        ("product", "12-3", "bad_product"),
        ("product", "edit", "bad_product"),
        ("options", "Red", "bad_options"),
        ("options", "Colour=", "bad_options"),
        ("options", "Colour=Red;colour=Blue", "bad_options"),
        ("options", f"Colour={'x' * 51}", "bad_options"),
        ("options", ";".join(f"o{n}=1" for n in range(11)), "bad_options"),
    ],
)
def test_a_bad_cell_is_refused_with_its_code(column, value, code):
    assert code_of(**{column: value}) == (code, column)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sku", "x" * 64),
        ("name", "é" * 200),
        ("name", "Family \N{EMOJI MODIFIER FITZPATRICK TYPE-4}"),
        ("description", "two\nlines\tand a tab"),
        ("price", "0"),
        ("stock", "1000000000"),
        ("stock", "0"),
        ("category", "x" * 100),
        ("options", f"Colour={'x' * 50}"),
    ],
)
def test_the_limits_themselves_are_accepted(column, value):
    assert isinstance(read_one(**{column: value}), Row)


def test_a_price_has_the_decimals_of_its_currency():
    assert code_of(price="100.5", currency="JPY") == ("bad_price", "price")
    row = read_one(price="1.999", currency="KWD")
    assert isinstance(row, Row)
    assert row.price_minor == 1999


def test_a_row_that_is_not_utf8_is_refused_and_the_next_is_read():
    (_, first), (_, second) = read(b"sku,name,price\nA1,caf\xe9,1\nA2,Mug,1\n")

    assert isinstance(first, RowError)
    assert (first.code, first.column) == ("bad_text", "name")
    assert isinstance(second, Row)


@pytest.mark.parametrize(
    ("bad", "code"),
    [("A1,Mug", "wrong_cell_count"), ("A1,Mug,1,1", "wrong_cell_count"), ('A1,"M"ug,1', "bad_csv")],
)
def test_a_malformed_csv_row_is_refused_and_the_next_is_read(bad, code):
    (line, first), (_, second) = read(f"sku,name,price\n{bad}\nA2,Mug,1\n")

    assert isinstance(first, RowError)
    assert (line, first.code) == (2, code)
    assert isinstance(second, Row)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ('"text"', "bad_json"),
        ('{"sku": "A", "name": "B", "price": NaN}', "bad_json"),
        ('{"sku": "A", "name": ["B"], "price": "1"}', "bad_json"),
        ('{"sku": "A", "name": true, "price": "1"}', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"sku": "A", "name": "B"}', "missing_column"),
        ('{"sku": "A", "name": "B", "price": "1", "colour": "red"}', "unknown_column"),
        ('{"sku": "A", "sku": "B", "name": "B", "price": "1"}', "duplicate_column"),
    ],
)
def test_a_malformed_json_line_is_refused_and_the_next_is_read(bad, code):
    good = '{"sku": "A2", "name": "Mug", "price": "1"}'

    (_, _first), (line, second), (_, third) = read(f"{FULL_JSON}{bad}\n{good}\n")

    assert isinstance(second, RowError)
    assert (line, second.code) == (2, code)
    assert isinstance(third, Row)


def test_a_sku_that_comes_twice_is_refused_and_the_first_line_named():
    rows = read("sku,name,price\n85123A,Mug,1\nA2,Cup,1\n85123a,Mug,2\n")

    assert isinstance(rows[0][1], Row)
    assert rows[2] == (
        4,
        RowError("duplicate_sku", "sku", "This SKU stands on line 2 already."),
    )


def test_memory_does_not_grow_with_the_file():
    def peak(rows: int) -> int:
        body = "".join(f"sku-{n},Mug,1\n" for n in range(rows))
        stream = io.BytesIO(f"sku,name,price\n{body}".encode())
        tracemalloc.start()
        for _ in read_rows(stream, default_currency="GBP"):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(10)

    assert peak(20_000) < peak(1_000) + 50_000
