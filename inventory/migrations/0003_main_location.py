from typing import Any

from django.db import migrations

CODE = "main"


def make_main_location(apps: Any, schema_editor: Any) -> None:
    location = apps.get_model("inventory", "Location")
    location.objects.get_or_create(code=CODE, defaults={"name": "Main warehouse"})


def remove_unused_main_location(apps: Any, schema_editor: Any) -> None:
    location = apps.get_model("inventory", "Location")
    location.objects.filter(code=CODE, levels=None).delete()


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_append_only")]

    operations = [migrations.RunPython(make_main_location, remove_unused_main_location)]
