"""Reads of payments that other apps call."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from payments.models import Payment
from shop_backend.kernel import statements
from shop_backend.kernel.money import Money, total


@dataclass(frozen=True)
class Balance:
    """The money of one reference. ``refunded`` counts what is on its way back, too."""

    captured: Money
    refunded: Money
    authorized: Money


def get_payments(*, references: Sequence[str]) -> dict[str, list[Payment]]:
    """Return the payments of each reference, oldest first, refunds fetched."""
    payments: dict[str, list[Payment]] = {reference: [] for reference in references}
    rows = Payment.objects.filter(reference__in=list(references)).with_refunds()
    for payment in rows.order_by("pk"):
        payments[payment.reference].append(payment)
    return payments


def get_balance(*, reference: str) -> Balance:
    """Return what came in for this reference, what went back and what is set aside."""
    rows = statements.fetch(Payment, reference=reference)
    currency = rows[0].currency if rows else settings.SHOP_CURRENCY
    is_authorized = Payment.Status.REQUIRES_CAPTURE
    return Balance(
        captured=total((Money(row.captured_minor, row.currency) for row in rows), currency),
        refunded=total((Money(row.refunded_minor, row.currency) for row in rows), currency),
        authorized=total((row.amount for row in rows if row.status == is_authorized), currency),
    )
