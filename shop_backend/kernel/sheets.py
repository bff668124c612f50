"""Tables for spreadsheets, of any length, in which no text is taken for a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

# What a spreadsheet program starts a formula with, in either width (OWASP: CSV injection).
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


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
    if isinstance(value, str) and value.lstrip(" \u00a0\ufeff").startswith(_STARTS):
        return f"'{value}"
    return value


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
