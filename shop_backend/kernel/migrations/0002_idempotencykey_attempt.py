from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="idempotencykey",
            name="attempt",
            field=models.UUIDField(
                blank=True,
                help_text="What is done in steps; survives a lost answer.",
                null=True,
            ),
        ),
    ]
