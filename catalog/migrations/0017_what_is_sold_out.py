"""Say of every product there is whether it can be bought now."""

from typing import Any

from django.db import migrations

_SOLD_OUT = """
UPDATE catalog_product p SET is_in_stock = false WHERE NOT EXISTS (
    SELECT 1 FROM catalog_variant v JOIN inventory_stockitem i ON i.id = v.stock_item_id
    WHERE v.product_id = p.id AND v.is_active AND v.removed_at IS NULL AND (
        NOT i.is_tracked OR EXISTS (
            SELECT 1 FROM inventory_stocklevel l JOIN inventory_location o ON o.id = l.location_id
            WHERE l.item_id = i.id AND o.is_active AND l.on_hand > l.reserved
        )
    )
)
"""


def mark(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_SOLD_OUT, params=None)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0016_stock_doubts")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
