"""Tables that only grow."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from shipping.models import ShipmentEvent
from shipping.tests.factories import ShipmentFactory

pytestmark = pytest.mark.django_db

APPEND_ONLY = [model for model in apps.get_models() if getattr(model, "APPEND_ONLY", False)]
TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
}


@pytest.fixture(autouse=True)
def _where_there_are_triggers():
    if connection.vendor not in TRIGGERS:
        pytest.skip("MariaDB leaves it to the services")


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
def test_every_table_that_only_grows_has_its_triggers(model: type[models.Model]):
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS[connection.vendor], [table])
        names = sorted(name for (name,) in cursor.fetchall())

    if connection.vendor == "sqlite":
        assert names == [f"{table}_append_only_DELETE", f"{table}_append_only_UPDATE"]
    else:
        assert names == [f"{table}_append_only"]


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
