from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_one_wish_for_an_address")]

    operations = [
        migrations.AddField(
            model_name="session",
            name="recent_rotations",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="[jti, when it was used (POSIX seconds)], oldest first.",
            ),
        ),
        migrations.RemoveField(model_name="session", name="previous_jti"),
        migrations.RemoveField(model_name="session", name="rotated_at"),
    ]
