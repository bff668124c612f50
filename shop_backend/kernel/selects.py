"""SELECTs that are written out, with the values that their columns' fields have in Python.

See ``statements`` for when to write one.
"""

from collections.abc import Iterable, Sequence, Sized
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from shop_backend.kernel.prepared import Kept

FEW = 3  # rows or values up to which a text of so many is kept


class Columns(NamedTuple):
    """Columns of one table of a SELECT: all of the model's, or those that are named."""

    alias: str
    model: type[Model]
    names: tuple[str, ...] = ()

    @property
    def fields(self) -> list[Any]:
        """The fields, in the order of the columns."""
        meta = self.model._meta
        if not self.names:
            return list(meta.concrete_fields)
        return [meta.get_field(name) for name in self.names]


class Computed(NamedTuple):
    """A column that is an expression, and the field whose values it has."""

    expression: str
    field: Any


class Select:
    """A SELECT that is written out; ``{columns}`` in it stands for its columns.

    ``{among}`` stands for as many parameters as a call has values to look among. A percent sign
    is doubled, as always beside parameters.
    """

    def __init__(self, text: str, *columns: Columns | Computed) -> None:
        self._text = one_line(text)
        self._columns = columns
        self._made: dict[str, tuple[str, list[tuple[int, Any, Any]]]] = {}

    def rows(self, parameters: Sequence[Any], *, among: Sized = ()) -> list[Sequence[Any]]:
        """Run it and return its rows, with the values that the fields have in Python.

        :param parameters: as the driver takes them; see ``adapted``.
        :param among: the values that ``{among}`` stands for; they are parameters, too.
        """
        made = self._made.get(connection.vendor)
        if made is None:
            made = self._made[connection.vendor] = self._make()
        text, converters = made
        if "{among}" in text:
            if not among:
                return []
            text = text.replace("{among}", ", ".join(["%s"] * len(among)))
            text = Kept(text) if len(among) <= FEW else text
        with connection.cursor() as cursor:
            cursor.execute(text, parameters)
            found: list[Sequence[Any]] = cursor.fetchall()
        return converted(found, converters) if converters else found

    def _make(self) -> tuple[str, list[tuple[int, Any, Any]]]:
        quote = connection.ops.quote_name
        named: list[str] = []
        fields: list[Any] = []
        for column in self._columns:
            if isinstance(column, Computed):
                named.append(column.expression)
                fields.append(column.field)
            else:
                named += [f"{column.alias}.{quote(field.column)}" for field in column.fields]
                fields += column.fields
        text = self._text.replace("{columns}", ", ".join(named))
        return Kept(quoted(text)), converters_of(fields)


def one_line(text: str) -> str:
    """Return a statement that was written over many lines in one, as it is logged."""
    return " ".join(text.split())


def quoted(text: str) -> str:
    """Return the statement with its names quoted as this database does."""
    return text.replace('"', "`") if connection.vendor == "mysql" else text


def converted(rows: Iterable[Sequence[Any]], converters: Any) -> list[Sequence[Any]]:
    converted: list[Sequence[Any]] = []
    for row in rows:
        values = list(row)
        for index, convert, expression in converters:
            values[index] = convert(values[index], expression, connection)
        converted.append(values)
    return converted


def converters_of(fields: Sequence[Any]) -> list[tuple[int, Any, Any]]:
    found = []
    for index, field in enumerate(fields):
        is_bound = hasattr(field, "model")
        expression: Any = field.get_col(field.model._meta.db_table) if is_bound else _Of(field)
        for convert in [
            *connection.ops.get_db_converters(expression),
            *field.get_db_converters(connection),
        ]:
            found.append((index, convert, expression))
    return found


class _Of:
    """What the converters want to know of an expression."""

    def __init__(self, field: Any) -> None:
        self.output_field = field
