from typing import Any

from django.db import migrations


def write_first_prices(apps: Any, schema_editor: Any) -> None:
    variant = apps.get_model("catalog", "Variant")
    price_change = apps.get_model("catalog", "PriceChange")
    rows = variant.objects.filter(price_changes=None).order_by("pk")
    price_change.objects.bulk_create(
        (
            price_change(
                variant_id=row.pk,
                price_minor=row.price_minor,
                currency=row.currency,
                created_at=row.created_at,
            )
            for row in rows.iterator(chunk_size=1000)
        ),
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_prices_dates_attributes")]

    operations = [migrations.RunPython(write_first_prices, migrations.RunPython.noop)]
