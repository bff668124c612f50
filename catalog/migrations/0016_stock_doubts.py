"""Whether a product can be bought is kept beside it, and what makes that doubtful written down.

PostgreSQL alone: elsewhere it is looked up each time. The column ``is_in_stock`` is not the
model's, as the search vector is not, so that no ``save()`` of a product can put an old one back.

The triggers only insert. To set the column there and then would lock a product after its stock,
and services lock a product before its stock: sooner or later two of them would wait for each
other. ``services.settle_stock_doubts`` sets it, and until then lists look at the doubtful ones.
"""

from typing import Any

from django.db import migrations, models

_COLUMN = [
    # True for all, which writes no row; the next migration says which are not.
    "ALTER TABLE catalog_product ADD COLUMN is_in_stock boolean NOT NULL DEFAULT true",
    "ALTER TABLE catalog_product ALTER COLUMN is_in_stock SET DEFAULT false",
]
_OF_LEVELS = """
CREATE OR REPLACE FUNCTION availability_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_cataloguechange (token, of_availability)
    VALUES (floor(random() * 4398046511104), true);{doubts}
    RETURN NULL;
END $$
"""
_LEVELS_DOUBTS = """
    INSERT INTO catalog_stockdoubt (subject, subject_id)
    SELECT DISTINCT 'item', item_id FROM (VALUES (OLD.item_id), (NEW.item_id)) AS of_it (item_id)
    WHERE item_id IS NOT NULL;"""
_OF_OTHERS = """
CREATE FUNCTION stock_is_in_doubt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_stockdoubt (subject, subject_id)
    SELECT DISTINCT TG_ARGV[0], key
    FROM (VALUES ((to_jsonb(OLD) ->> TG_ARGV[1])::bigint), ((to_jsonb(NEW) ->> TG_ARGV[1])::bigint))
        AS of_it (key)
    WHERE key IS NOT NULL;
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER {table}_doubts_{verb} AFTER {verb} ON {table} FOR EACH ROW {when}
    EXECUTE FUNCTION stock_is_in_doubt('{subject}', '{column}')
"""
# Table, verb, subject, its column, and the columns whose change matters.
_TRIGGERS: list[tuple[str, str, str, str, tuple[str, ...]]] = [
    ("catalog_variant", "INSERT", "product", "product_id", ()),
    (
        "catalog_variant",
        "UPDATE",
        "product",
        "product_id",
        ("product_id", "stock_item_id", "is_active", "removed_at"),
    ),
    ("catalog_variant", "DELETE", "product", "product_id", ()),
    ("inventory_stockitem", "UPDATE", "item", "id", ("is_tracked",)),
    ("inventory_location", "UPDATE", "location", "id", ("is_active",)),
]
# Setting the flag is no change of what is shown, so the trigger of 0010 must not fire for it.
_SHOWN = """
CREATE TRIGGER catalog_product_is_shown AFTER INSERT OR DELETE OR UPDATE{columns}
    ON catalog_product FOR EACH STATEMENT EXECUTE FUNCTION catalogue_has_changed()
"""
_COLUMNS = """
SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = 'catalog_product'::regclass AND attnum > 0 AND NOT attisdropped
    AND attgenerated = '' AND attname <> 'is_in_stock'
"""
_NOT_SHOWN = "DROP TRIGGER catalog_product_is_shown ON catalog_product"


def install(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        [(columns,)] = cursor.fetchall()
    statements = [
        *_COLUMN,
        _OF_LEVELS.format(doubts=_LEVELS_DOUBTS),
        _OF_OTHERS,
        *(_trigger(*trigger) for trigger in _TRIGGERS),
        _NOT_SHOWN,
        _SHOWN.format(columns=f" OF {columns}"),
    ]
    for statement in statements:
        schema_editor.execute(statement, params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for statement in [
        _NOT_SHOWN,
        _SHOWN.format(columns=""),
        "DROP FUNCTION stock_is_in_doubt() CASCADE",
        _OF_LEVELS.format(doubts=""),
        "ALTER TABLE catalog_product DROP COLUMN is_in_stock",
    ]:
        schema_editor.execute(statement, params=None)


def _trigger(table: str, verb: str, subject: str, column: str, changed: tuple[str, ...]) -> str:
    when = ""
    if changed:
        old = ", ".join(f"OLD.{name}" for name in changed)
        new = ", ".join(f"NEW.{name}" for name in changed)
        when = f"WHEN (({old}) IS DISTINCT FROM ({new}))"
    return _TRIGGER.format(table=table, verb=verb, subject=subject, column=column, when=when)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0015_indexes_of_shelves_and_staff"),
        ("inventory", "0004_low_stock_threshold"),
    ]

    operations = [
        migrations.CreateModel(
            name="StockDoubt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "subject",
                    models.CharField(
                        choices=[
                            ("item", "Item"),
                            ("product", "Product"),
                            ("location", "Location"),
                        ],
                        max_length=8,
                    ),
                ),
                ("subject_id", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(install, remove),
    ]
