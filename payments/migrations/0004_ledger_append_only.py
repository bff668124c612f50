from django.db import migrations

from shop_backend.kernel.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_open_ledger")]

    operations = [append_only("payments_moneymovement"), append_only("payments_moneyentry")]
