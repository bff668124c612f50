"""What changes the ways of sending or the tax rates moves the version of the catalogue, too.

So a cart, which reads that version along, need not read them again each time; see cart/charges.py.
As there, MySQL and MariaDB are left out (catalog/migrations/0010).
"""

from typing import Any

from django.db import migrations

TABLES = [
    "cart_taxrate",
    "shipping_shippingmethod",
    "shipping_shippingmethod_zones",
    "shipping_shippingrate",
    "shipping_zonearea",
]
_VERBS = ["INSERT", "UPDATE", "DELETE"]
_POSTGRESQL = """
CREATE TRIGGER {table}_is_charged AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_has_changed()
"""
_SQLITE = """
CREATE TRIGGER {table}_is_charged_{verb} AFTER {verb} ON {table}
BEGIN
    INSERT INTO catalog_cataloguechange (token) VALUES (abs(random() % 4398046511104));
END
"""


def install(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    for table in TABLES:
        if vendor == "postgresql":
            schema_editor.execute(_POSTGRESQL.format(table=table), params=None)
        elif vendor == "sqlite":
            for verb in _VERBS:
                schema_editor.execute(_SQLITE.format(table=table, verb=verb), params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    for table in TABLES:
        if vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_is_charged ON {table}")
        elif vendor == "sqlite":
            for verb in _VERBS:
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_is_charged_{verb}")


class Migration(migrations.Migration):
    dependencies = [
        ("cart", "0003_cart_line_price"),
        ("catalog", "0013_availability_changes"),
        ("shipping", "0005_method_subtotals_not_negative"),
    ]

    operations = [migrations.RunPython(install, remove)]
