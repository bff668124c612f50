from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Max


def keep_the_latest(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Of the changes and codes for one address delete all but the latest."""
    keys = {"EmailChange": ["new_email_key"], "Otp": ["email_key", "purpose"]}
    for name, key in keys.items():
        rows = apps.get_model("accounts", name).objects.using(editor.connection.alias)
        latest = rows.values(*key).annotate(latest=Max("pk")).values_list("latest", flat=True)
        kept = set(latest.order_by())
        for pk in set(rows.values_list("pk", flat=True)) - kept:
            rows.filter(pk=pk).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(keep_the_latest, migrations.RunPython.noop)]
