"""A payment as it is answered: what ``PaymentSerializer`` says, without its fields' machinery.

The serializer stays the contract: Swagger is made from it, and a test holds the two together.
"""

from collections.abc import Iterable
from typing import Any

from payments.models import Payment, Refund
from shop_backend.kernel.moments import moment
from shop_backend.kernel.money import Money


def represent(payment: Payment, refunds: Iterable[Refund], *, viewer_id: int | None) -> Any:
    """Return the payment with its refunds; what holds secrets is for its owner alone."""
    currency = payment.currency
    is_owner = viewer_id is not None and viewer_id == payment.customer_id
    return {
        "id": payment.pk,
        "order": payment.reference,
        "status": str(payment.status),
        "amount": Money(payment.amount_minor, currency).decimal_string,
        "captured": Money(payment.captured_minor, currency).decimal_string,
        "refunded": Money(payment.refunded_minor, currency).decimal_string,
        "currency": currency,
        "provider": payment.provider,
        "client_secret": payment.client_secret or None if is_owner else None,
        "next_action": payment.next_action if is_owner else None,
        "failure_code": payment.failure_code,
        "refunds": [_refund(refund) for refund in refunds],
        "created_at": moment(payment.created_at),
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.pk,
        "amount": Money(refund.amount_minor, refund.currency).decimal_string,
        "currency": refund.currency,
        "status": str(refund.status),
        "reason": refund.reason,
        "failure_code": refund.failure_code,
        "created_at": moment(refund.created_at),
    }
