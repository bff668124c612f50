from django.db import migrations, models
from django.db.models import F, Q

from shop_backend.kernel.triggers import still_append_only


class Migration(migrations.Migration):
    dependencies = [("catalog", "0011_product_reviews")]

    operations = still_append_only(
        "catalog_pricechange",
        migrations.AddConstraint(
            model_name="pricechange",
            constraint=models.CheckConstraint(
                condition=Q(compare_at_minor=None)
                | Q(
                    compare_at_minor__gt=F("price_minor"),
                    compare_at_minor__lte=1_000_000_000_000_000,
                ),
                name="price_change_compare_at_above_price",
            ),
        ),
    )
