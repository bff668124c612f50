"""Indexes for lists of a large shop that Django's models cannot state.

PostgreSQL alone: elsewhere text is compared without regard to case by the column's collation, or
searched row by row.
"""

from typing import Any

from django.db import migrations

_ALWAYS = {
    # What filters compare: UPPER(value) = UPPER('glass').
    "attribute_value_upper": (
        "catalog_productattributevalue (attribute_id, upper(value::text), product_id)"
    ),
    "option_name_upper": "catalog_option (upper(name::text))",
    "option_value_upper": "catalog_optionvalue (upper(value::text), option_id)",
    # A short word begins an SKU.
    "variant_sku_upper": "catalog_variant (upper(sku::text) text_pattern_ops)",
}
_OF_TRIGRAMS = {
    "variant_sku_trigrams": "catalog_variant USING gin (upper(sku::text) gin_trgm_ops)",
    "product_name_trigrams": "catalog_product USING gin (name gin_trgm_ops)",
}


def install(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    wanted = dict(_ALWAYS)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        if cursor.fetchone() is not None:
            wanted |= _OF_TRIGRAMS
    for name, on in wanted.items():
        schema_editor.execute(f"CREATE INDEX {name} ON {on}")


def remove(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name in _ALWAYS | _OF_TRIGRAMS:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0013_availability_changes")]

    operations = [migrations.RunPython(install, remove)]
