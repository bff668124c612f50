from typing import Any

from django.db import migrations

CODE = "standard"


def make_standard_tax_class(apps: Any, schema_editor: Any) -> None:
    tax_class = apps.get_model("catalog", "TaxClass")
    tax_class.objects.get_or_create(code=CODE, defaults={"name": "Standard", "is_default": True})


def remove_unused_standard_tax_class(apps: Any, schema_editor: Any) -> None:
    tax_class = apps.get_model("catalog", "TaxClass")
    tax_class.objects.filter(code=CODE, products=None).delete()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_tax_classes")]

    operations = [migrations.RunPython(make_standard_tax_class, remove_unused_standard_tax_class)]
