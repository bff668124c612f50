"""Reads of payments that other apps call."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from django.conf import settings

from payments.models import Payment, Refund
from shop_backend.kernel import statements
from shop_backend.kernel.money import Money, total
from shop_backend.kernel.selects import Columns, Select

_PAYMENTS = Select(
    "SELECT {columns} FROM payments_payment p LEFT JOIN payments_refund r ON r.payment_id = p.id"
    " WHERE p.reference IN ({among}) ORDER BY p.id, r.id",
    Columns("p", Payment),
    Columns("r", Refund),
)
_PAYMENT_WIDTH = len(Payment._meta.concrete_fields)


@dataclass(frozen=True)
class Balance:
    """The money of one reference. ``refunded`` counts what is on its way back, too."""

    captured: Money
    refunded: Money
    authorized: Money


def get_payments(*, references: Sequence[str]) -> dict[str, list[Payment]]:
    """Return the payments of each reference, oldest first, refunds fetched."""
    payments: dict[str, list[Payment]] = {reference: [] for reference in references}
    rows = _PAYMENTS.rows(references, among=references) if references else []
    for _, of_one in groupby(rows, key=itemgetter(0)):
        its_rows = list(of_one)
        payment = statements.build(Payment, its_rows[0][:_PAYMENT_WIDTH])
        refunds = (row[_PAYMENT_WIDTH:] for row in its_rows)
        payment.remember_refunds([statements.build(Refund, row) for row in refunds if row[0]])
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
