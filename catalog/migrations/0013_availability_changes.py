"""Goods that run out or come back are written down too, apart from what the catalogue shows.

Only where a level's last unit goes or its first one comes: stock that counts down writes nothing.
"""

from typing import Any

from django.db import migrations, models

TABLE = "inventory_stocklevel"
_COLUMN = """
ALTER TABLE catalog_cataloguechange ADD COLUMN of_availability bool NOT NULL DEFAULT {false}
"""
_FUNCTION = """
CREATE FUNCTION availability_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_cataloguechange (token, of_availability)
    VALUES (floor(random() * 4398046511104), true);
    RETURN NULL;
END $$
"""
# Which rows are to be told of, by what was done to them.
_FLIPS = {
    "INSERT": "NEW.on_hand > NEW.reserved",
    "UPDATE": (
        "(OLD.on_hand > OLD.reserved) <> (NEW.on_hand > NEW.reserved)"
        " OR OLD.item_id <> NEW.item_id OR OLD.location_id <> NEW.location_id"
    ),
    "DELETE": "OLD.on_hand > OLD.reserved",
}
_POSTGRESQL = """
CREATE TRIGGER {table}_flips_{verb} AFTER {verb} ON {table}
    FOR EACH ROW WHEN ({flips}) EXECUTE FUNCTION availability_has_changed()
"""
_SQLITE = """
CREATE TRIGGER {table}_flips_{verb} AFTER {verb} ON {table} WHEN {flips}
BEGIN
    INSERT INTO catalog_cataloguechange (token, of_availability)
    VALUES (abs(random() % 4398046511104), 1);
END
"""


def install(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    # Not Django's AddField: on SQLite that writes the table anew, under the feet of its triggers.
    false = "false" if vendor == "postgresql" else "0"
    schema_editor.execute(_COLUMN.format(false=false), params=None)
    statement = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}.get(vendor)
    if vendor == "postgresql":
        schema_editor.execute(_FUNCTION, params=None)
    for verb, flips in _FLIPS.items() if statement else ():
        schema_editor.execute(statement.format(table=TABLE, verb=verb, flips=flips), params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION availability_has_changed() CASCADE")
    elif vendor == "sqlite":
        for verb in _FLIPS:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_flips_{verb}")
    schema_editor.execute("ALTER TABLE catalog_cataloguechange DROP COLUMN of_availability")


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0012_price_change_compare_at"),
        ("inventory", "0004_low_stock_threshold"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(install, remove)],
            state_operations=[
                migrations.AddField(
                    model_name="cataloguechange",
                    name="of_availability",
                    field=models.BooleanField(db_default=False, default=False),
                )
            ],
        )
    ]
