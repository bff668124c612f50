"""What narrows and orders a shelf stands in its index: neither its count nor its page reads rows
that are not shown.

PostgreSQL alone: elsewhere an index holds nothing beside its key.
"""

from typing import Any

from django.db import migrations

_KEY = "(category_id, status, created_at, id)"
_BESIDE = (
    "(published_from, published_until, from_price_minor, name, rating_hundredths, is_in_stock)"
)


def _replace(schema_editor: Any, columns: str) -> None:
    """Build the new index first: only to change places with the old one are readers kept out."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for statement in (
        f"CREATE INDEX product_of_category_new ON catalog_product {columns}",
        "DROP INDEX product_of_category",
        "ALTER INDEX product_of_category_new RENAME TO product_of_category",
    ):
        schema_editor.execute(statement, params=None)


def install(apps: Any, schema_editor: Any) -> None:
    _replace(schema_editor, f"{_KEY} INCLUDE {_BESIDE}")


def remove(apps: Any, schema_editor: Any) -> None:
    _replace(schema_editor, _KEY)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0018_indexes_by_stock")]

    operations = [migrations.RunPython(install, remove)]
