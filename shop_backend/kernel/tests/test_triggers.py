"""Tables that only grow."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction

from shipping.models import ShipmentEvent
from shipping.tests.factories import ShipmentFactory
from shop_backend.kernel import triggers

changes = import_module("catalog.migrations.0010_changes_are_written_down")
pytestmark = [pytest.mark.django_db, pytest.mark.portable]

APPEND_ONLY = [model for model in apps.get_models() if getattr(model, "APPEND_ONLY", False)]


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
def test_every_table_that_only_grows_has_its_triggers(model: type[models.Model]):
    names = triggers.names_of(model._meta.db_table, connection.vendor)

    assert names <= triggers.get_names(connection)


@pytest.mark.parametrize("table", changes.TABLES)
def test_every_table_that_the_catalogue_shows_has_its_triggers(table: str):
    wanted = {
        "postgresql": {f"{table}_is_shown"},
        "sqlite": {f"{table}_is_shown_{verb}" for verb in changes.VERBS},
        "mysql": set(),  # its clients ask the database each time; see catalog/version.py
    }

    assert wanted[connection.vendor] <= triggers.get_names(connection)


def test_a_migration_that_loses_the_triggers_gets_them_again():
    table = ShipmentEvent._meta.db_table
    names = triggers.names_of(table, connection.vendor)
    if connection.vendor == "mysql":
        pytest.skip("its DDL commits, and no migration of its rebuilds a table")
    with connection.cursor() as cursor:
        for name in names:
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {name}{on}")
    assert not names & triggers.get_names(connection)

    call_command("migrate", verbosity=0)

    assert names <= triggers.get_names(connection)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE shipping_shipmentevent SET status = 'delivered'",
        "DELETE FROM shipping_shipmentevent",
    ],
)
def test_the_database_refuses_to_rewrite_history(sql):
    event = ShipmentFactory().events.get()

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)

    assert list(ShipmentEvent.objects.values_list("pk", "status")) == [(event.pk, "packed")]
    ShipmentEvent.objects.create(shipment=event.shipment, status="shipped")
    assert ShipmentEvent.objects.count() == 2


def test_history_is_kept_by_the_ones_we_know():
    assert {model.__name__ for model in APPEND_ONLY} >= {
        "MoneyEntry",
        "MoneyMovement",
        "OrderEvent",
        "ShipmentEvent",
        "StockMovement",
    }
