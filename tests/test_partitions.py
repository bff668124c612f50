"""The tables that grow with every order, by month: docs/deploy/partition.sql and archive.sql."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cart.tests.factories import TaxRateFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockMovement
from orders.models import OrderEvent
from orders.tests.trade import buyer, pay, place
from shop_backend import invariants
from shop_backend.kernel import outbox
from shop_backend.kernel.models import OutboxMessage

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db]  # only PostgreSQL has partitions
DEPLOY = Path(__file__).resolve().parent.parent / "docs" / "deploy"


def run(name, *, border):
    """Run a file of the documentation, with this moment for the first of January."""
    text = (DEPLOY / name).read_text()
    text = text.replace("2027-01-01+00", border.isoformat())
    text = text.replace("2027-02-01+00", (border + timedelta(days=31)).isoformat())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as a commit before it does
        cursor.execute(text)


def broken():
    return [each.code for each in invariants.ALL if each.find()]


def partition_of(row):
    with connection.cursor() as cursor:
        table = row._meta.db_table
        cursor.execute(f"SELECT tableoid::regclass FROM {table} WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def test_a_shop_goes_on_while_its_months_come_and_go():
    TaxRateFactory()
    customer, variant = buyer(), VariantFactory(stock=10)
    old = place(customer, (variant, 2))
    border = timezone.now()

    run("partition.sql", border=border)
    new = place(customer, (variant, 3))
    assert (pay(old).status_code, pay(new).status_code) == (201, 201)
    outbox.deliver_due(limit=100, now=timezone.now() + timedelta(hours=1))

    assert broken() == []
    for model, name in (
        (StockMovement, "inventory_stockmovement"),
        (OrderEvent, "orders_orderevent"),
    ):
        assert partition_of(model.objects.earliest("pk")) == f"{name}_before_2027_01"
        assert partition_of(model.objects.latest("pk")) == f"{name}_2027_01"
    assert OutboxMessage.objects.filter(sent_at=None).count() == 0
    for row in (StockMovement.objects.earliest("pk"), OrderEvent.objects.latest("pk")):
        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            row.delete()

    run("archive.sql", border=border)

    assert broken() == []
    assert place(customer, (variant, 5)).status == "pending"
    assert StockMovement.objects.filter(reference=old.number, kind="reservation").count() == 0
    assert OutboxMessage.objects.exists()  # the new month's
    assert StockMovement.objects.get(reason__startswith="carried forward").on_hand_delta == 10


def test_without_what_is_carried_forward_the_books_would_not_add_up():
    VariantFactory(stock=10)
    border = timezone.now()
    run("partition.sql", border=border)

    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE inventory_stockmovement"
            " DETACH PARTITION inventory_stockmovement_before_2027_01"
        )

    assert broken() == ["I2"]
