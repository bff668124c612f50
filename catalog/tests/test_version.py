"""The version of the catalogue: no change escapes it, whichever way it is made."""

import importlib
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from catalog import services, version
from catalog.category_tree import CategoryTree
from catalog.models import CatalogueChange, Category, Product
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from inventory.models import StockLevel

pytestmark = pytest.mark.django_db
TABLES = importlib.import_module("catalog.migrations.0010_changes_are_written_down").TABLES
# What an approved review changes of a product stands in the product itself.
NOT_SHOWN = {
    "catalog_cataloguechange",
    "catalog_pricechange",
    "catalog_review",
    "catalog_stockdoubt",
}


def changed_by(statement, parameters=()):
    before = version.current()
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    return version.current() != before


def test_every_table_of_the_catalogue_tells_of_changes():
    models = apps.get_app_config("catalog").get_models(include_auto_created=True)
    shown = {model._meta.db_table for model in models} - NOT_SHOWN

    assert shown <= set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_sql_by_hand_moves_the_version(table):
    if not version.is_known():
        pytest.skip("MySQL and MariaDB keep no version")

    assert changed_by(f"UPDATE {table} SET id = id") or _is_row_by_row(table)


def _is_row_by_row(table):
    """SQLite's triggers are for rows; an empty table has none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return connection.vendor == "sqlite" and cursor.fetchone()[0] == 0


def test_every_column_of_a_product_moves_the_version():
    ProductFactory()

    for field in Product._meta.concrete_fields:
        moves = changed_by(f"UPDATE catalog_product SET {field.column} = {field.column}")
        assert moves, f"a trigger like that of migration 0016 must name {field.column}"


def test_rows_that_come_change_and_go_move_the_version():
    seen = [version.current()]
    category = CategoryFactory()
    seen.append(version.current())
    Category.objects.filter(pk=category.pk).update(name="Another")
    seen.append(version.current())
    category.delete()
    seen.append(version.current())

    assert len(set(seen)) == 4


def test_a_price_set_by_the_service_moves_the_version():
    variant = VariantFactory(price_minor=1000)
    before = version.current()

    services.update_variant(variant=variant, fields={"price_minor": 900}, actor_id=None)

    assert version.current() != before


def test_stock_that_counts_down_does_not_move_it():
    variant = VariantFactory(stock=9)
    before = version.current()

    StockLevel.objects.filter(item=variant.stock_item).update(on_hand=3)

    assert version.current() == before


def test_a_version_lasts_until_the_next_product_appears_or_vanishes():
    soon = timezone.now() + timedelta(hours=1)
    ProductFactory(published_until=soon + timedelta(hours=1))
    ProductFactory(published_from=soon)

    assert version.current().until == soon


def test_a_version_ends_at_its_time(monkeypatch):
    ProductFactory(published_from=timezone.now() + timedelta(hours=1))
    before = version.current()
    later = timezone.now() + timedelta(hours=2)

    monkeypatch.setattr(timezone, "now", lambda: later)

    assert version.current() != before


def test_what_was_made_is_made_again_only_when_the_catalogue_has_changed():
    CategoryFactory(name="Lamps")
    first, second = CategoryTree.read(), CategoryTree.read()

    CategoryFactory(name="Rugs")
    third = CategoryTree.read()

    assert first is second
    assert [row.name for row in third.by_id.values()] == ["Lamps", "Rugs"]


def test_many_rows_are_summed_up_without_a_change_of_version():
    for number in range(150):
        CategoryFactory(name=f"Category {number}")
    before = version.current()

    assert version.sum_up() >= 150
    assert version.current() == before
    assert CatalogueChange.objects.count() == 1
    assert version.sum_up() == 0


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_trace():
    before = version.current()

    with transaction.atomic():
        Product.objects.create(name="A lamp", slug="a-lamp")
        assert version.current() != before
        transaction.set_rollback(True)

    assert version.current() == before
