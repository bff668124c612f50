"""Lists of what can be bought, and of what cannot, are read from an index in their own order.

PostgreSQL alone, as the column is.
"""

from typing import Any

from django.db import migrations

_INDEXES = {
    **{
        f"product_in_stock_{name}": f"(status, is_in_stock, {column}, id)"
        for name, column in {
            "by_age": "created_at",
            "by_price": "from_price_minor",
            "by_name": "name",
            "by_rating": "rating_hundredths",
        }.items()
    },
    # Few as a rule; what staff see of them, and facets, is sorted.
    "product_sold_out": "(id) WHERE NOT is_in_stock",
}


def install(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name, columns in _INDEXES.items():
            schema_editor.execute(f"CREATE INDEX {name} ON catalog_product {columns}", params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name in _INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}", params=None)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0017_what_is_sold_out")]

    operations = [migrations.RunPython(install, remove)]
