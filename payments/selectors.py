"""Reads of payments that other apps call."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from payments.models import Payment, Refund
from shop_backend.kernel import statements
from shop_backend.kernel.money import Money, total
from shop_backend.kernel.statements import Columns, Select

_PAYMENTS = Select(
    "SELECT {columns} FROM payments_payment p WHERE p.reference IN ({among}) ORDER BY p.id",
    Columns("p", Payment),
)
_REFUNDS = Select(
    "SELECT {columns} FROM payments_refund r WHERE r.payment_id IN ({among}) ORDER BY r.id",
    Columns("r", Refund),
)


@dataclass(frozen=True)
class Balance:
    """The money of one reference. ``refunded`` counts what is on its way back, too."""

    captured: Money
    refunded: Money
    authorized: Money


def get_payments(*, references: Sequence[str]) -> dict[str, list[Payment]]:
    """Return the payments of each reference, oldest first, refunds fetched."""
    payments: dict[str, list[Payment]] = {reference: [] for reference in references}
    by_pk: dict[int, Payment] = {}
    for row in _PAYMENTS.rows(references, among=references) if references else ():
        payment = statements.build(Payment, row)
        payment.remember_refunds([])
        by_pk[payment.pk] = payment
        payments[payment.reference].append(payment)
    if by_pk:
        refunds: dict[int, list[Refund]] = defaultdict(list)
        for row in _REFUNDS.rows(list(by_pk), among=by_pk):
            refund = statements.build(Refund, row)
            refunds[refund.payment_id].append(refund)
        for pk, found in refunds.items():
            by_pk[pk].remember_refunds(found)
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
