from django.db import migrations, models

import payments.models


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_payment_attempts")]

    operations = [
        # Empty for the payments that are there: they go on under the keys they began with.
        migrations.AddField(
            model_name="payment",
            name="provider_key",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
        migrations.AlterField(
            model_name="payment",
            name="provider_key",
            field=models.CharField(
                blank=True, default=payments.models.new_provider_key, max_length=32
            ),
        ),
    ]
