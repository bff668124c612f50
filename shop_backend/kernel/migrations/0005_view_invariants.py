from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("kernel", "0004_recorded_event")]

    operations = [
        migrations.AlterModelOptions(
            name="idempotencykey",
            options={"permissions": [("view_invariants", "Can check what must never be false")]},
        )
    ]
