"""Inserting what may be there already, in one statement that says whether it was."""

from typing import Any

from django.db import connection
from django.db.models import AutoField, Model
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery


def insert_if_new(row: Model) -> bool:
    """Insert the row and give it its key, unless a unique constraint has one like it.

    Who finds one that is being inserted by another transaction waits for that transaction's end.

    :return: whether it was inserted; if not, the row here has no key.
    """
    meta = row._meta
    query: Any = InsertQuery(type(row), on_conflict=OnConflict.IGNORE)
    fields = [field for field in meta.concrete_fields if not isinstance(field, AutoField)]
    query.insert_values(fields, [row])
    compiler = query.get_compiler(connection=connection)
    returns = connection.features.can_return_columns_from_insert
    compiler.returning_fields = [meta.pk] if returns else None
    ((statement, parameters),) = compiler.as_sql()
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        if returns:
            found = cursor.fetchone()
            pk = found[0] if found else None
        else:
            pk = cursor.lastrowid if cursor.rowcount else None
    if pk is None:
        return False
    row.pk = pk
    row._state.adding, row._state.db = False, connection.alias
    return True
