from django.db import migrations, models

import payments.models


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_ledger_append_only")]

    operations = [
        migrations.AlterField(
            model_name="payment",
            name="provider_key",
            field=models.CharField(default=payments.models.new_provider_key, max_length=32),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("provider_key", ""), _negated=True), name="payment_has_its_key"
            ),
        ),
    ]
