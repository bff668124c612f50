"""The house keeps its floors; imports are import-linter's, this is about the tables."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

from shop_backend import kernel

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ["kernel", "accounts", "inventory", "catalog payments shipping", "cart", "orders"]
FLOOR_OF = {app: floor for floor, names in enumerate(FLOORS) for app in names.split()}
OUR_MODELS = [model for model in apps.get_models() if model._meta.app_label in FLOOR_OF]


def foreign_keys():
    for model in OUR_MODELS:
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey | models.ManyToManyField):
                yield model, field


def test_foreign_keys_point_down():
    up = []
    for model, field in foreign_keys():
        mine, theirs = model._meta.app_label, field.related_model._meta.app_label
        is_across = theirs in FLOOR_OF and mine != theirs
        # Whose it is, is the one arrow that even the kernel has: settings.AUTH_USER_MODEL.
        if is_across and theirs != "accounts" and FLOOR_OF[mine] <= FLOOR_OF[theirs]:
            up.append(f"{model.__name__}.{field.name} -> {theirs}")

    assert up == []


def test_people_and_products_are_never_pulled_from_under_the_books():
    keeping = {"orders", "payments"}
    careless = [
        f"{model.__name__}.{field.name}"
        for model, field in foreign_keys()
        if model._meta.app_label in keeping
        and isinstance(field, models.ForeignKey)
        and field.remote_field.on_delete is not models.PROTECT
    ]

    assert careless == []


def test_no_model_orders_itself():
    assert [model.__name__ for model in OUR_MODELS if model._meta.ordering] == []


def test_no_model_overrides_save():
    assert [model.__name__ for model in OUR_MODELS if "save" in vars(model)] == []


def test_services_name_the_columns_they_write():
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in ROOT.glob("*/services/*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"\.save\(\)", line)
    ]

    assert places == []


def test_money_is_whole_numbers():
    floats = (models.FloatField, models.DecimalField)
    found = [
        f"{model.__name__}.{field.name}"
        for model in OUR_MODELS
        for field in model._meta.get_fields()
        if isinstance(field, floats)
        or (field.name.endswith("_minor") and not isinstance(field, models.BigIntegerField))
    ]

    assert found == []


@pytest.mark.django_db
@pytest.mark.portable
def test_the_migrations_say_what_the_models_say():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_kernel_says_which_of_its_modules_is_about_what():
    modules = {path.stem for path in Path(kernel.__path__[0]).glob("*.py")} - {"__init__"}

    assert set(re.findall(r"``(\w+)``", kernel.__doc__)) == modules


def test_whatever_a_checker_is_to_overlook_has_its_reason_beside_it():
    bare = re.compile(r"# (type: ignore(\[[\w, -]+\])?|noqa(: [A-Z\d, ]+)?)\s*$")
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in ROOT.rglob("*.py")
        if not path.relative_to(ROOT).parts[0].startswith(".")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if bare.search(line)
    ]

    assert places == []
