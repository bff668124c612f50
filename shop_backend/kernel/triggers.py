"""Tables that only grow: the database itself refuses UPDATE and DELETE on them.

PostgreSQL and SQLite; MariaDB is left to the services (its triggers would need SUPER rights
where binary logging is on).
"""

from functools import partial
from typing import Any

from django.db import migrations
from django.db.migrations.operations.base import Operation

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION shop_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION shop_append_only();
"""
_SQLITE = """
CREATE TRIGGER {table}_append_only_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""


_INSTALL = {
    "postgresql": [_POSTGRESQL],
    "sqlite": [_SQLITE.replace("{verb}", verb) for verb in ("UPDATE", "DELETE")],
}
_REMOVE = {
    "postgresql": ["DROP TRIGGER IF EXISTS {table}_append_only ON {table}"],
    "sqlite": [
        "DROP TRIGGER IF EXISTS {table}_append_only_" + verb for verb in ("UPDATE", "DELETE")
    ],
}


def append_only(table: str) -> migrations.RunPython:
    """Return the migration operation that makes a table append-only."""
    return migrations.RunPython(partial(_install, table), partial(_remove, table))


def still_append_only(table: str, *operations: Operation) -> list[Operation]:
    """Return the operations that change an append-only table, and leave it append-only.

    SQLite changes a table by writing a new one, and the triggers go with the old one.
    """
    install = partial(_install, table)
    return [
        migrations.RunPython(_do_nothing, install),
        *operations,
        migrations.RunPython(install, _do_nothing),
    ]


def _install(table: str, apps: Any, schema_editor: Any) -> None:
    _remove(table, apps, schema_editor)
    for statement in _INSTALL.get(schema_editor.connection.vendor, []):
        schema_editor.execute(statement.format(table=table), params=None)


def _remove(table: str, apps: Any, schema_editor: Any) -> None:
    for statement in _REMOVE.get(schema_editor.connection.vendor, []):
        schema_editor.execute(statement.format(table=table), params=None)


def _do_nothing(apps: Any, schema_editor: Any) -> None:
    pass
