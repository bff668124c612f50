"""What people wrote is no formula in any spreadsheet, however it separates cells."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_backend.kernel.sheets import csv_answer, safe_cell

SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
HEADINGS = ("number", "name", "email")
TEXTS = st.lists(
    st.one_of(
        st.sampled_from([*SIGNS, *";,|\"' a1\u00a0\ufeff", "\u2028", "=1+1"]),
        st.text("ab", max_size=3),
    ),
    max_size=8,
).map("".join)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4)


def written(rows):
    return b"".join(csv_answer("orders", HEADINGS, rows)).decode()


def cells(text, delimiter):
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        yield from row


@given(ROWS)
def test_no_cell_begins_with_the_sign_of_a_formula(rows):
    text = written(rows)

    for delimiter in ",;\t|":
        begun = [
            cell
            for cell in cells(text, delimiter)
            if cell.lstrip(" \u00a0\ufeff").startswith(SIGNS)
        ]
        assert begun == [], delimiter


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("Ada;=HYPERLINK(A1&B1);x", "Ada;'=HYPERLINK(A1&B1);x"),
        ('"a;=1+1"@example.com', '"a;\'=1+1"@example.com'),
        ("=1+1", "'=1+1"),
        (" \u00a0@SUM(A1)", "' \u00a0@SUM(A1)"),
        ("a\n＝1", "a\n'＝1"),
        ('a; "=1"', 'a;\' "=1"'),
    ],
)
def test_an_apostrophe_goes_before_it(text, guarded):
    assert safe_cell(text) == guarded


@pytest.mark.parametrize(
    "text",
    ["Ada Lovelace", "Müller, Ada", "ada+shop@example.com", "O'Neill; Anne-Marie", "1 - 2 = 3", ""],
)
def test_what_is_none_stays_as_it_is(text):
    assert safe_cell(text) == text
    assert list(csv.reader(io.StringIO(written([(text, "", "")]))))[1] == [text, "", ""]


def test_numbers_stay_numbers():
    assert safe_cell(-5) == -5
