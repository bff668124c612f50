"""Every statement that changes what the catalogue shows writes a row with a random token.

SQLite knows no triggers for statements, so there it is every row. MySQL and MariaDB are left out:
their triggers need SUPER rights where binary logging is on (see catalog/version.py).
"""

from typing import Any

from django.db import migrations

TABLES = [
    "catalog_attribute",
    "catalog_category",
    "catalog_option",
    "catalog_optionvalue",
    "catalog_product",
    "catalog_productattributevalue",
    "catalog_productimage",
    "catalog_taxclass",
    "catalog_variant",
    "catalog_variant_option_values",
    "inventory_location",
    "inventory_stockitem",
]
VERBS = ["INSERT", "UPDATE", "DELETE"]
_FUNCTION = """
CREATE FUNCTION catalogue_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_cataloguechange (token) VALUES (floor(random() * 4398046511104));
    RETURN NULL;
END $$
"""
_POSTGRESQL = """
CREATE TRIGGER {table}_is_shown AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_has_changed()
"""
_SQLITE = """
CREATE TRIGGER {table}_is_shown_{verb} AFTER {verb} ON {table}
BEGIN
    INSERT INTO catalog_cataloguechange (token) VALUES (abs(random() % 4398046511104));
END
"""


def install(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute(_FUNCTION, params=None)
        for table in TABLES:
            schema_editor.execute(_POSTGRESQL.format(table=table), params=None)
    elif vendor == "sqlite":
        for table in TABLES:
            for verb in VERBS:
                schema_editor.execute(_SQLITE.format(table=table, verb=verb), params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION catalogue_has_changed() CASCADE")
    elif vendor == "sqlite":
        for table in TABLES:
            for verb in VERBS:
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_is_shown_{verb}")


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0009_catalogue_changes"),
        ("inventory", "0004_low_stock_threshold"),
    ]

    operations = [migrations.RunPython(install, remove)]
