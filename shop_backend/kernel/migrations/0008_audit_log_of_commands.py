import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from shop_backend.kernel.triggers import still_append_only


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0007_audit_log_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = still_append_only(
        "kernel_auditentry",
        migrations.AlterField(
            model_name="auditentry",
            name="actor",
            field=models.ForeignKey(
                help_text="Null: a command was run, and who did is not known here.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    )
