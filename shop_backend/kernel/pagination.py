"""Lists are bounded: numbered pages with a capped count, or a cursor through all of it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.core import signing
from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.models import BooleanField, Func, Q, QuerySet, Value
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from shop_backend.kernel.errors import InvalidCursor, InvalidPage, InvalidParameter, PageTooDeep

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
COUNT_CAP = 10_000


class ShopPagination(BasePagination):
    """``?page=&page_size=`` with an exact count up to 10,000; ``?cursor=`` without one."""

    query_parameters = frozenset({"page", "page_size", "cursor"})

    def paginate_queryset(  # type: ignore[override]  # lists are querysets here
        self, queryset: QuerySet, request: Request, view: Any = None
    ) -> list[Any]:
        self.request = request
        self.page_size = _whole_number(
            request, "page_size", DEFAULT_PAGE_SIZE, highest=MAX_PAGE_SIZE
        )
        self.cursor: _Cursor | None = None
        if "cursor" in request.query_params:
            self.cursor = _Cursor(self.page_size)
            return self.cursor.paginate_queryset(queryset, request)
        self.plain = PlainPage(_whole_number(request, "page", 1), self.page_size, ())
        self.counted = getattr(view, "count", bounded_count)(queryset)
        if not self.plain.is_within(self.counted):
            last = _last_page(self.counted, self.page_size)
            if self.counted > COUNT_CAP:
                raise PageTooDeep(last=last)
            raise InvalidPage(page=self.plain.number)
        start = self.plain.offset
        return list(queryset[start : start + self.page_size])

    def get_paginated_response(self, data: Any) -> Response:
        if self.cursor is not None:
            payload = {
                "count": None,
                "next": self.cursor.get_next_link(),
                "previous": self.cursor.get_previous_link(),
                "results": data,
            }
            return Response(payload)
        url = self.request.build_absolute_uri()
        return Response(numbered_page(url, data, counted=self.counted, page=self.plain))

    def get_paginated_response_schema(self, schema: Any) -> Any:
        return schema


class PlainPage(NamedTuple):
    """A numbered page of a list that nothing narrows; ``order`` is empty for the usual one."""

    number: int
    size: int
    order: tuple[str, ...]

    @property
    def offset(self) -> int:
        """How many rows stand before it."""
        return (self.number - 1) * self.size

    def is_within(self, counted: int) -> bool:
        """Return whether a list of so many rows has this page."""
        return self.number <= _last_page(counted, self.size)


def read_plain_page(query: Any, orderings: Mapping[str, str]) -> PlainPage | None:
    """Return what the query parameters ask for, or ``None`` where they ask for more than a page.

    :param orderings: those by which it may be ordered, with their columns.
    """
    if not query.keys() <= {"page", "page_size", "ordering"}:
        return None
    sizes = [query.get("page", "1"), query.get("page_size", str(DEFAULT_PAGE_SIZE))]
    if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in sizes):
        return None
    number, size = map(int, sizes)
    asked = query.get("ordering", "")
    column = orderings.get(asked.removeprefix("-"))
    if not (number and size) or (asked and column is None):
        return None
    sign = "-" if asked.startswith("-") else ""
    order = (f"{sign}{column}", f"{sign}pk") if asked else ()
    return PlainPage(number, min(size, MAX_PAGE_SIZE), order)


def bounded_count(queryset: QuerySet) -> int:
    """Return how many rows there are, and of more than 10,000 one more than that."""
    # Of rows of columns the key alone is counted: an index may do.
    keys = queryset.values("pk") if queryset.query.values_select else queryset
    return keys.order_by()[: COUNT_CAP + 1].count()


def numbered_page(url: str, rows: Any, *, counted: int, page: PlainPage) -> dict[str, Any]:
    """Return the answer with these rows.

    :param url: the one that was asked for, absolute.
    :param counted: what ``bounded_count`` gave.
    """
    last = _last_page(counted, page.size)
    payload = {
        "count": min(counted, COUNT_CAP),
        "next": _link(url, page.number + 1) if page.number < last else None,
        "previous": _link(url, page.number - 1) if page.number > 1 else None,
        "results": rows,
    }
    if counted > COUNT_CAP:
        payload["count_capped"] = True
    return payload


def _last_page(counted: int, size: int) -> int:
    return max(1, -(-min(counted, COUNT_CAP) // size))


@lru_cache(1_000)
def _link(url: str, page: int) -> str:
    if page == 1:
        return remove_query_param(url, "page")
    return replace_query_param(url, "page", page)


class _Cursor:
    """A walk through the whole list in its order, from the values of the last row seen.

    Rows that come, go or share a value never make it skip or repeat one. DRF's own cursor looks
    at the first column alone, sticks where over 1,000 rows share its value, and drops nulls.
    """

    def __init__(self, page_size: int) -> None:
        self.page_size = page_size

    def paginate_queryset(self, queryset: QuerySet, request: Request) -> list[Any]:
        self.url = request.build_absolute_uri()
        self.columns = [str(column) for column in queryset.query.order_by] or ["-pk"]
        position, self.is_backward = self._read(request.query_params["cursor"])
        if self.is_backward:
            queryset = queryset.reverse()
        if position is not None:
            queryset = queryset.filter(_beyond(queryset, position))
        rows = list(queryset[: self.page_size + 1])
        self.has_more = len(rows) > self.page_size
        self.is_first = position is None
        self.rows = rows[: self.page_size]
        if self.is_backward:
            self.rows.reverse()
        return self.rows

    def get_next_link(self) -> str | None:
        """Return where the rows after these are."""
        if self.rows and (self.is_backward or self.has_more):
            return self._link(self.rows[-1], towards="next")
        return None

    def get_previous_link(self) -> str | None:
        """Return where the rows before these are."""
        if self.rows and (self.has_more if self.is_backward else not self.is_first):
            return self._link(self.rows[0], towards="previous")
        return None

    def _read(self, text: str) -> tuple[dict[str, str | None] | None, bool]:
        if not text:
            return None, False
        try:
            columns, values, towards = _signer.unsign_object(text)
        except signing.BadSignature as error:
            raise InvalidCursor from error
        if columns != self.columns:
            raise InvalidCursor
        names = [column.lstrip("-") for column in columns]
        return dict(zip(names, values, strict=True)), towards == "previous"

    def _link(self, row: Any, *, towards: str) -> str:
        values = [_text_of(row, column.lstrip("-")) for column in self.columns]
        cursor = _signer.sign_object([self.columns, values, towards])
        return replace_query_param(self.url, "cursor", cursor)


# Signed, so that no made-up value reaches the database.
_signer = signing.Signer(salt="kernel.cursor")


def _text_of(row: Any, name: str) -> str | None:
    for part in name.split("__"):
        row = None if row is None else getattr(row, part)
    return None if row is None else str(row)


def _beyond(queryset: QuerySet, position: Mapping[str, str | None]) -> Q:
    """Return the condition on rows that come after the position in the queryset's order."""
    rows = _beyond_as_rows(queryset, position)
    if rows is not None:
        return rows
    is_reversed = not queryset.query.standard_ordering
    nulls_are_smallest = connections[queryset.db].features.order_by_nulls_first
    beyond, same, bound = Q(), Q(), Q()
    for column in map(str, queryset.query.order_by or ("-pk",)):
        name = column.lstrip("-")
        is_descending = column.startswith("-") != is_reversed
        value = position[name]
        nulls_come_last = nulls_are_smallest == is_descending
        if value is None:
            after = Q(pk__in=[]) if nulls_come_last else Q(**{f"{name}__isnull": False})
        else:
            verb = "lt" if is_descending else "gt"
            after = Q(**{f"{name}__{verb}": value})
            if nulls_come_last and _may_be_null(queryset, name):
                after |= Q(**{f"{name}__isnull": True})
            elif not same:
                bound = Q(**{f"{name}__{verb}e": value})  # says no more, but an index understands
        beyond |= same & after
        same &= Q(**{f"{name}__isnull": True}) if value is None else Q(**{name: value})
    return bound & beyond


def _beyond_as_rows(queryset: QuerySet, position: Mapping[str, str | None]) -> Q | None:
    """Return the condition as one comparison of rows, ``(rating, id) < (400, 7)``, if it is one.

    An index begins where it says, however many rows share the first value.
    """
    columns = [str(column) for column in queryset.query.order_by or ("-pk",)]
    names = [column.lstrip("-") for column in columns]
    directions = {column.startswith("-") for column in columns}
    if connections[queryset.db].vendor not in {"postgresql", "sqlite"} or len(directions) > 1:
        return None
    if any("__" in name or _may_be_null(queryset, name) for name in names):
        return None
    fields = [
        queryset.model._meta.pk if name == "pk" else queryset.model._meta.get_field(name)
        for name in names
    ]
    values = [
        Value(field.to_python(position[name]), output_field=field)
        for name, field in zip(names, fields, strict=True)
    ]
    is_descending = directions.pop() == queryset.query.standard_ordering
    return Q(
        Func(
            Func(*names, template="(%(expressions)s)"),
            Func(*values, template="(%(expressions)s)"),
            template="%(expressions)s",
            arg_joiner=" < " if is_descending else " > ",
            output_field=BooleanField(),
        )
    )


def _may_be_null(queryset: QuerySet, name: str) -> bool:
    try:
        return name != "pk" and queryset.model._meta.get_field(name).null
    except FieldDoesNotExist:  # an annotation, or a column of another table
        return True


def _whole_number(request: Request, name: str, default: int, highest: int = 10**9) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:
        raise InvalidParameter(name=name)
    return min(int(text), highest)
