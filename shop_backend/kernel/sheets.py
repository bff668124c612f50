"""Tables for spreadsheets, of any length, in which no text is taken for a formula."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

# What a spreadsheet program starts a formula with, in either width (OWASP: CSV injection), after
# what it may leave out.
_SIGN = "[=+\\-@\\t\\r\\n＝＋－＠]"
_LEFT_OUT = '[^\\S\\t\\r\\n]|["\ufeff\u200b]'
# Where cells are separated by semicolons, as with a decimal comma, or by tabs, the quotes around a
# cell do not count, and a text goes on in a cell of its own after each of these.
_SEPARATOR = "[;,|\\t\\r\\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"
_START_OF_A_CELL = re.compile(
    f"(?:^|(?<={_SEPARATOR}))(?=(?:{_LEFT_OUT})*{_SIGN})|(?<={_SEPARATOR})\\Z"
)


def csv_answer(
    name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """Return a download that is written row by row.

    :param name: the file's, without its ending; of the shop's own words.
    :param rows: texts are guarded; pass numbers as numbers.
    """
    return StreamingHttpResponse(
        _lines(headings, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def safe_cell(value: Any) -> Any:
    """Return a text that stays a text: an apostrophe goes before what would be a formula."""
    return _START_OF_A_CELL.sub("'", value) if isinstance(value, str) else value


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _lines(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    # Every cell in quotes: none can end early and begin another.
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(headings)
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])
