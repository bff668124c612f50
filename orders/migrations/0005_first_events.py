from collections.abc import Iterator
from typing import Any

from django.db import migrations

_PAID = ["paid", "processing", "shipped", "delivered"]


def write_first_events(apps: Any, schema_editor: Any) -> None:
    """Record what had happened before events were recorded, as far as the rows still tell."""
    model = apps.get_model("kernel", "RecordedEvent")
    model.objects.bulk_create(
        (
            model(
                kind=kind,
                subject=kind.partition(".")[0],
                subject_id=row.pk,
                payload={"before_recording": True},
                occurred_at=when,
            )
            for kind, rows, column in _happened(apps)
            for row, when in ((row, getattr(row, column)) for row in rows.order_by("pk").iterator())
        ),
        batch_size=1000,
    )


def _happened(apps: Any) -> Iterator[tuple[str, Any, str]]:
    orders = apps.get_model("orders", "Order").objects
    payments = apps.get_model("payments", "Payment").objects
    shipments = apps.get_model("shipping", "Shipment").objects
    yield "order.placed", orders.all(), "placed_at"
    yield "order.paid", orders.filter(status__in=_PAID), "placed_at"
    yield "order.delivered", orders.filter(status="delivered"), "placed_at"
    yield "order.cancelled", orders.filter(status="cancelled"), "placed_at"
    yield "order.expired", orders.filter(status="expired"), "placed_at"
    yield "payment.captured", payments.filter(captured_minor__gt=0), "updated_at"
    refunded = payments.filter(refunds__status="succeeded").distinct()
    yield "payment.refunded", refunded, "updated_at"
    yield "shipment.packed", shipments.all(), "created_at"
    yield "shipment.shipped", shipments.filter(shipped_at__isnull=False), "shipped_at"
    yield "shipment.delivered", shipments.filter(delivered_at__isnull=False), "delivered_at"
    yield "shipment.cancelled", shipments.filter(status="cancelled"), "created_at"


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_tax_and_coupon"),
        ("kernel", "0004_recorded_event"),
        ("payments", "0001_initial"),
        ("shipping", "0004_cancelled_shipments"),
    ]

    operations = [migrations.RunPython(write_first_events, migrations.RunPython.noop)]
