from django.db import migrations

from shop_backend.kernel.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_first_prices")]

    operations = [append_only("catalog_pricechange")]
