"""Tables that only grow: the database itself refuses UPDATE and DELETE on them.

PostgreSQL and SQLite; MariaDB is left to the services (its triggers would need SUPER rights
where binary logging is on).
"""

from typing import Any

from django.db import migrations

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

    def install(apps: Any, schema_editor: Any) -> None:
        for statement in _INSTALL.get(schema_editor.connection.vendor, []):
            schema_editor.execute(statement.format(table=table), params=None)

    def remove(apps: Any, schema_editor: Any) -> None:
        for statement in _REMOVE.get(schema_editor.connection.vendor, []):
            schema_editor.execute(statement.format(table=table), params=None)

    return migrations.RunPython(install, remove)
