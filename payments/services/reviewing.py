"""Payments about which the provider said something that does not fit: a person has to look."""

import logging
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from payments.models import Payment, PaymentReview
from payments.services.locking import lock_payment
from shop_backend.kernel import transactions
from shop_backend.kernel.transactions import requires_transaction, use_case

logger = logging.getLogger(__name__)


@requires_transaction
def open_review(*, payment: Payment, reason: str, said: Mapping[str, Any]) -> None:
    """Have a person look at a payment, locked by the caller; the same again is no second review.

    :param said: what the provider said, as far as it is about money; no secret, no person.
    """
    logger.error("payment %s: %s", payment.pk, reason)
    reason = reason[:64]
    review = PaymentReview(
        payment=payment, reason=reason, open_key=f"{payment.pk}-{reason}", said=dict(said)
    )
    PaymentReview.objects.bulk_create([review], ignore_conflicts=True)
    # One that stops the payment weighs more than one that does not.
    if reason not in Payment.HARMLESS_REVIEWS or not payment.is_under_review:
        payment.review_reason = reason
        payment.save(update_fields=["review_reason"])


@transactions.forbids_transaction
def open_review_of_refusal(*, payment_id: int, reason: str) -> None:
    """Have a person look at a payment with which the provider will never go on."""

    def work() -> None:
        open_review(payment=lock_payment(payment_id), reason=reason, said={"refusal": reason})

    transactions.run(work)


@use_case
def close_review(*, payment_id: int, actor_id: int | None, note: str) -> int:
    """Note that a person has looked; the payment goes on as it stands. Return how many it closes.

    It moves no money and pays nothing: what did not fit was never applied.
    """
    payment = lock_payment(payment_id)
    closed = PaymentReview.objects.filter(payment=payment, closed_at=None).update(
        open_key=None, closed_at=timezone.now(), closed_by_id=actor_id, note=note
    )
    if payment.review_reason:
        payment.review_reason = ""
        payment.save(update_fields=["review_reason"])
    return closed
