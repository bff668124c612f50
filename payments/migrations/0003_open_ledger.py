"""Open the ledger with what the counters of the payments say, one movement each."""

import secrets

from django.db import migrations
from django.db.models import Exists, OuterRef, Sum

BATCH = 500


def open_ledger(apps, schema_editor):
    payments = apps.get_model("payments", "Payment").objects
    movements = apps.get_model("payments", "MoneyMovement").objects
    for payment in payments.filter(provider_key="").iterator(chunk_size=BATCH):
        payment.provider_key = secrets.token_hex(8)
        payment.save(update_fields=["provider_key"])
    # What is open already stays: this can be interrupted where there are no DDL transactions.
    begun = Exists(movements.filter(payment=OuterRef("pk")))
    last = 0
    while batch := list(payments.filter(~begun, pk__gt=last).order_by("pk")[:BATCH]):
        for payment in batch:
            _open(apps, payment)
        last = batch[-1].pk


def _open(apps, payment):
    refunds = apps.get_model("payments", "Refund").objects
    pending = refunds.filter(payment=payment, status="pending")
    going = pending.aggregate(minor=Sum("amount_minor"))["minor"] or 0
    balances = {
        "processing": payment.amount_minor if payment.status == "processing" else 0,
        "authorized": payment.amount_minor if payment.status == "requires_capture" else 0,
        "captured": payment.captured_minor - payment.refunded_minor,
        "refund_pending": going,
        "refunded": payment.refunded_minor - going,
    }
    payment.processing_minor = balances["processing"]
    payment.authorized_minor = balances["authorized"]
    payment.save(update_fields=["processing_minor", "authorized_minor"])
    balances["customer"] = -sum(balances.values())
    if not any(balances.values()):
        return
    movement = apps.get_model("payments", "MoneyMovement").objects.create(
        payment=payment, kind="opening", once_key=f"payment-{payment.pk}-opening"
    )
    entry = apps.get_model("payments", "MoneyEntry")
    entry.objects.bulk_create(
        entry(movement=movement, account=account, amount_minor=minor, currency=payment.currency)
        for account, minor in balances.items()
        if minor
    )


def empty_ledger(apps, schema_editor):
    apps.get_model("payments", "MoneyEntry").objects.all().delete()
    apps.get_model("payments", "MoneyMovement").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_money_ledger")]

    operations = [migrations.RunPython(open_ledger, empty_ledger)]
