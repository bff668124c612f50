"""Statements whose text is made once, for what every signed-in request and every purchase does.

Django builds and compiles a query anew each time it is asked; for one with a few joins that takes
many times as long as to send it and to read its rows. Here the text is made from the model's
fields, or written out in SQL that all databases understand, and kept. Values go through the same
fields as in the ORM, so they mean the same on each database.

For hot paths alone: anything else is a queryset.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import AutoField, Model

from shop_backend.kernel import callers
from shop_backend.kernel.prepared import Kept
from shop_backend.kernel.selects import FEW, converted, converters_of, quoted

M = TypeVar("M", bound=Model)


def adapted(field: Any, value: Any) -> Any:
    """Return a value of this field as a parameter of a statement that is written out."""
    return field.get_db_prep_value(value, connection)


def build(model: type[M], values: Sequence[Any]) -> M:
    """Return the row that has these values, one for each column of the model."""
    return model.from_db(connection.alias, _attnames(model), values)


def fetch(model: type[M], **equal: Any) -> list[M]:
    """Return the rows of which these columns have these values, by primary key."""
    return _fetch(model, equal, lock="")


def lock(model: type[M], **equal: Any) -> list[M]:
    """Return what ``fetch`` does, locked in that order."""
    return _fetch(model, equal, lock=" FOR UPDATE" if _can_lock() else "")


def lock_for_caller(model: type[M], *, caller: str, **equal: Any) -> list[M]:
    """Return what ``lock`` does, and nothing once the caller's account has ended.

    :param caller: the one of the columns whose value is the caller's id; see ``callers``.
    """
    return _fetch(model, equal, lock=" FOR UPDATE" if _can_lock() else "", caller=caller)


def read(text: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a SELECT that is written out, of plain numbers and texts; return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(Kept(quoted(text)), parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def execute(text: str, parameters: Sequence[Any]) -> int:
    """Run a statement that is written out; return how many rows it met."""
    with connection.cursor() as cursor:
        cursor.execute(Kept(quoted(text)), parameters)
        return cursor.rowcount


def insert(row: Model) -> None:
    """Insert the row and give it its key."""
    if not insert_or_skip(row, ""):
        raise AssertionError(f"{row!r} was not inserted")


def insert_for_caller(row: Model, *, caller_id: int) -> bool:
    """Insert the row unless the caller's account has ended; return whether it was inserted.

    See ``callers``.
    """
    return insert_or_skip(row, "", caller_id=caller_id)


def insert_or_skip(row: Model, on_conflict: str, *, caller_id: int | None = None) -> bool:
    """Insert the row and give it its key; return whether it was inserted.

    :param on_conflict: what the statement ends in; empty: it raises.
    :param caller_id: whose account must not have ended; see ``callers``.
    """
    values = _values_of(row)
    source = ""
    if caller_id is not None:
        values.append(caller_id)
        source = callers.source()
    statement = _insert_text(connection.vendor, type(row), on_conflict, source)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if connection.features.can_return_columns_from_insert:
            found = cursor.fetchone()
            pk = found[0] if found else None
        else:
            pk = cursor.lastrowid if cursor.rowcount else None
    if pk is None:
        return False
    _set_key(row, pk)
    return True


def insert_all(rows: Iterable[M]) -> list[M]:
    """Insert the rows in one statement and, where the database tells them, give them their keys."""
    rows = list(rows)
    if not rows:
        return rows
    if not connection.features.can_return_rows_from_bulk_insert or len(rows) > _most(rows[0]):
        return type(rows[0])._base_manager.bulk_create(rows)
    columns, _ = _insertable(connection.vendor, type(rows[0]))
    values = f"({', '.join(['%s'] * columns.count(','))}, %s)"
    table, key = _table_and_key(type(rows[0]))
    text = (
        f"INSERT INTO {table} ({columns}) VALUES {', '.join([values] * len(rows))} RETURNING {key}"  # nosec B608
    )
    parameters = [value for row in rows for value in _values_of(row)]
    with connection.cursor() as cursor:
        cursor.execute(Kept(text) if len(rows) <= FEW else text, parameters)
        for row, found in zip(rows, cursor.fetchall(), strict=True):
            _set_key(row, found[0])
    return rows


def save(row: Model, *names: str) -> None:
    """Write these fields of the row."""
    text, fields = _update_text(connection.vendor, type(row), names)
    values = [
        field.get_db_prep_save(getattr(row, field.attname), connection=connection)
        for field in fields
    ]
    if not execute(text, [*values, row.pk]):
        raise type(row).DoesNotExist(f"{row!r} is not there to be saved")  # type: ignore[attr-defined]  # each model has its own


def _fetch(model: type[M], equal: dict[str, Any], *, lock: str, caller: str = "") -> list[M]:
    text, converters, fields = _select_text(connection.vendor, model, tuple(equal), lock, caller)
    wanted = zip(fields, equal.values(), strict=True)
    parameters = [_looked_for(field, value) for field, value in wanted]
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        found = cursor.fetchall()
    if converters:
        found = converted(found, converters)
    return [build(model, values) for values in found]


def _looked_for(field: Any, value: Any) -> Any:
    target = field.target_field if field.is_relation else field
    if isinstance(target, AutoField):
        return target.get_prep_value(value)  # 0 can be looked for, also where it cannot be a key
    return field.get_db_prep_value(value, connection)


def skipping_lock() -> str:
    """Return what a SELECT ends in that locks its rows and, where it can, skips locked ones."""
    skips = connection.features.has_select_for_update_skip_locked
    return f" FOR UPDATE{' SKIP LOCKED' if skips else ''}" if _can_lock() else ""


def _can_lock() -> bool:
    return bool(connection.features.has_select_for_update)


@lru_cache(maxsize=256)
def _attnames(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _table_and_key(model: type[Model]) -> tuple[str, str]:
    quote = connection.ops.quote_name
    pk: Any = model._meta.pk
    return quote(model._meta.db_table), quote(pk.column)


@lru_cache(maxsize=256)
def _insertable(vendor: str, model: type[Model]) -> tuple[str, tuple[Any, ...]]:
    fields = tuple(
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, AutoField) and not field.generated
    )
    columns = [connection.ops.quote_name(str(field.column)) for field in fields]
    return ", ".join(columns), fields


@lru_cache(maxsize=256)
def _insert_text(vendor: str, model: type[Model], on_conflict: str, source: str) -> str:
    columns, fields = _insertable(vendor, model)
    table, key = _table_and_key(model)
    places = ", ".join(["%s"] * len(fields))
    rows = f"SELECT {places} {source}" if source else f"VALUES ({places})"  # nosec B608
    verb = "INSERT IGNORE INTO" if on_conflict and vendor == "mysql" else "INSERT INTO"
    suffix = f" {on_conflict}" if on_conflict and vendor != "mysql" else ""
    returning = f" RETURNING {key}" if connection.features.can_return_columns_from_insert else ""
    return Kept(f"{verb} {table} ({columns}) {rows}{suffix}{returning}")


@lru_cache(maxsize=256)
def _update_text(
    vendor: str, model: type[Model], names: tuple[str, ...]
) -> tuple[str, tuple[Any, ...]]:
    quote = connection.ops.quote_name
    fields: tuple[Any, ...] = tuple(model._meta.get_field(name) for name in names)
    table, key = _table_and_key(model)
    columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    return Kept(f"UPDATE {table} SET {columns} WHERE {key} = %s"), fields  # nosec B608


@lru_cache(maxsize=256)
def _select_text(
    vendor: str, model: type[Model], names: tuple[str, ...], lock: str, caller: str
) -> tuple[str, list[tuple[int, Any, Any]], tuple[Any, ...]]:
    quote = connection.ops.quote_name
    fields: Any = model._meta.concrete_fields
    table, key = _table_and_key(model)
    columns = ", ".join(f"{table}.{quote(field.column)}" for field in fields)
    asked: tuple[Any, ...] = tuple(model._meta.get_field(name) for name in names)
    where = " AND ".join(
        f"{table}.{quote(field.column)} = {callers.still_there() if name == caller else '%s'}"
        for name, field in zip(names, asked, strict=True)
    )
    text = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {table}.{key} ASC{lock}"  # nosec B608
    return Kept(text), converters_of(fields), asked


def _values_of(row: Model) -> list[Any]:
    _, fields = _insertable(connection.vendor, type(row))
    return [
        field.get_db_prep_save(field.pre_save(row, True), connection=connection)  # noqa: FBT003  # Django's
        for field in fields
    ]


def _most(row: Model) -> int:
    most = connection.features.max_query_params
    _, fields = _insertable(connection.vendor, type(row))
    return most // len(fields) if most else 1000


def _set_key(row: Model, pk: Any) -> None:
    row.pk = pk
    row._state.adding, row._state.db = False, connection.alias
