"""Tables that only grow: the database itself refuses UPDATE and DELETE on them.

Migrations install the triggers on PostgreSQL and SQLite, and whatever is missing after a migration
is installed then, on every database: SQLite changes a table by writing a new one, and the triggers
go with the old one. On MySQL and MariaDB they need the right TRIGGER, and where binary logging is
on also ``log_bin_trust_function_creators`` (or SUPER); without, the services alone keep the
histories, and ``migrate`` says so.
"""

import logging
from functools import partial
from typing import Any

from django.apps import apps as installed
from django.db import DatabaseError, connections, migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations.base import Operation

logger = logging.getLogger(__name__)

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
# Emptying a database after a test deletes rows here; PostgreSQL switches triggers off for that.
OFF_SWITCH = "@shop_test_is_over"
_MYSQL = f"""
CREATE TRIGGER {{table}}_append_only_{{verb}} BEFORE {{verb}} ON {{table}} FOR EACH ROW
BEGIN
    IF {OFF_SWITCH} IS NULL THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{{table}} is append-only';
    END IF;
END
"""
_VERBS = ("UPDATE", "DELETE")
_MAY_NOT = {1142, 1227, 1419}  # no right TRIGGER, no SUPER, none while there is a binary log

_INSTALL = {
    "postgresql": [_POSTGRESQL],
    "sqlite": [_SQLITE.replace("{verb}", verb) for verb in _VERBS],
}
_REMOVE = {
    "postgresql": ["DROP TRIGGER IF EXISTS {table}_append_only ON {table}"],
    "sqlite": ["DROP TRIGGER IF EXISTS {table}_append_only_" + verb for verb in _VERBS],
}
# Not in a migration: MySQL commits whenever the schema is changed.
_MYSQL_AGAIN = [
    statement.replace("{verb}", verb)
    for verb in _VERBS
    for statement in ("DROP TRIGGER IF EXISTS {table}_append_only_{verb}", _MYSQL)
]
_LIST = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "mysql": "SELECT trigger_name FROM information_schema.triggers"
    " WHERE trigger_schema = database()",
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


def names_of(table: str, vendor: str) -> set[str]:
    """Return what the table's triggers are called on this kind of database."""
    if vendor == "postgresql":
        return {f"{table}_append_only"}
    return {f"{table}_append_only_{verb}" for verb in _VERBS}


def get_names(connection: BaseDatabaseWrapper) -> set[str]:
    """Return the names of all triggers there are."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST[connection.vendor])
        return {name for (name,) in cursor.fetchall()}


def install_what_is_missing(using: str) -> None:
    """Let every table of a model with ``APPEND_ONLY`` be so; to be called after migrating."""
    connection = connections[using]
    there = get_names(connection)
    tables = [
        model._meta.db_table
        for model in installed.get_models()
        if getattr(model, "APPEND_ONLY", False)
        and not names_of(model._meta.db_table, connection.vendor) <= there
    ]
    if not tables:
        return
    migrated = set(connection.introspection.table_names())
    for table in tables:
        if table in migrated:  # not where one migrates to an earlier state
            _make_append_only(table, connection)


def _make_append_only(table: str, connection: BaseDatabaseWrapper) -> None:
    vendor = connection.vendor
    statements = _MYSQL_AGAIN if vendor == "mysql" else _REMOVE[vendor] + _INSTALL[vendor]
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.format(table=table))
    except DatabaseError as error:
        if not error.args or error.args[0] not in _MAY_NOT:
            raise
        logger.warning(
            "%s can be rewritten in the database: this account may make no triggers (%s)",
            table,
            error.args[0],
        )


def _install(table: str, apps: Any, schema_editor: Any) -> None:
    _remove(table, apps, schema_editor)
    for statement in _INSTALL.get(schema_editor.connection.vendor, []):
        schema_editor.execute(statement.format(table=table), params=None)


def _remove(table: str, apps: Any, schema_editor: Any) -> None:
    for statement in _REMOVE.get(schema_editor.connection.vendor, []):
        schema_editor.execute(statement.format(table=table), params=None)


def _do_nothing(apps: Any, schema_editor: Any) -> None:
    pass
