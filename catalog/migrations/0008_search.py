from typing import Any

from django.db import Error, migrations, transaction

_VECTOR = """
ALTER TABLE catalog_product ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('simple', name), 'A')
    || setweight(to_tsvector('english', description), 'C')
    || setweight(to_tsvector('simple', description), 'C')
) STORED
"""


def prepare_search(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    schema_editor.execute(_VECTOR)
    schema_editor.execute(
        "CREATE INDEX product_search ON catalog_product USING gin (search_vector)"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        if cursor.fetchone() is None:
            return  # the search works without: it forgives no typos
        try:
            with transaction.atomic(using=connection.alias):
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except Error:
            return  # the shop's role may not; an administrator can create it at any time


def forget_search(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE catalog_product DROP COLUMN search_vector")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_images")]

    operations = [migrations.RunPython(prepare_search, forget_search)]
