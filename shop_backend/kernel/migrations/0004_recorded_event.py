import django.utils.timezone
from django.db import migrations, models

from shop_backend.kernel.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("kernel", "0003_spentbudget")]

    operations = [
        migrations.CreateModel(
            name="RecordedEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=20)),
                ("subject_id", models.BigIntegerField()),
                ("payload", models.JSONField(default=dict)),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["subject", "subject_id", "kind"], name="event_of_subject")
                ]
            },
        ),
        append_only("kernel_recordedevent"),
    ]
