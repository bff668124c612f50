"""Giving up what was not collected; capturing or voiding what was only authorised."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.utils import timezone

from payments.errors import (
    AmountNotPayable,
    NotCapturable,
    NotVoidable,
    PaymentInProgress,
    PaymentUnderReview,
)
from payments.events import PaymentCanceled
from payments.models import Payment
from payments.providers import get_provider
from payments.providers.base import UnexpectedState
from payments.services.applying import apply_answer
from payments.services.intents import ensure_intent, flags_refusals
from payments.services.locking import lock_payment, lock_payments
from shop_backend.kernel import events, outbox, transactions
from shop_backend.kernel.transactions import forbids_transaction, requires_transaction

CANCEL_KIND = "payments.cancel_at_provider"
Status = Payment.Status


@requires_transaction
def cancel_open_payments(*, reference: str) -> None:
    """Give up every open payment of a reference, authorised ones too.

    The provider is told after the commit. If it has collected meanwhile, ``PaymentCaptured``
    is published then: money that came in is never kept silent.
    """
    for payment in lock_payments(reference=reference):
        if not payment.is_open:
            continue
        _mark_canceled(payment)
        outbox.put(CANCEL_KIND, {"payment_id": payment.pk})
        events.publish(PaymentCanceled(payment.reference, payment.pk))


def _mark_canceled(payment: Payment) -> None:
    payment.status, payment.open_reference = Status.CANCELED, None
    payment.is_cancel_pending = True
    payment.next_action, payment.updated_at = None, timezone.now()
    payment.save(
        update_fields=[
            "status",
            "open_reference",
            "is_cancel_pending",
            "next_action",
            "updated_at",
        ]
    )


@forbids_transaction
def cancel_at_provider(payload: Mapping[str, Any]) -> None:
    """Deliver ``payments.cancel_at_provider``; again is harmless."""
    cancel_intent(payment_id=payload["payment_id"])


@forbids_transaction
def cancel_intent(*, payment_id: int) -> Payment:
    """Cancel at the provider and apply what comes of it: canceled, or collected meanwhile.

    :raises PaymentInProgress: the provider is working on it; ask again later.
    """
    # An intent that another request is just making is found by its key, and dies with it.
    try:
        payment = ensure_intent(Payment.objects.get(pk=payment_id), is_refreshed=False)
    except AmountNotPayable:
        return Payment.objects.get(pk=payment_id)  # closed: it could never have been collected
    provider = get_provider(payment.provider)
    intent = str(payment.provider_reference)
    with flags_refusals(payment):
        try:
            key = payment.key_for(f"payment-{payment.pk}-cancel")
            state = provider.cancel(provider_reference=intent, idempotency_key=key)
        except UnexpectedState:
            state = provider.retrieve(provider_reference=intent)
    payment = apply_answer(payment=payment, state=state)
    if state.status not in {Status.CANCELED, Status.SUCCEEDED}:
        raise PaymentInProgress
    return payment


@forbids_transaction
def capture_payment(*, payment_id: int, attempt_key: str | None = None) -> Payment:
    """Collect all that was authorised; again is harmless.

    :param attempt_key: a stable name of the request; a repeat gets what it came to.
    :raises NotCapturable: nothing is authorised.
    :raises PaymentUnderReview: the provider said what does not fit; a person looks first.
    """
    payment = transactions.run(partial(_begin_ending, payment_id, attempt_key))
    if payment.is_under_review:
        raise PaymentUnderReview
    if payment.status == Status.REQUIRES_CAPTURE:
        payment = _capture_at_provider(payment)
    elif not _is_repeat(payment, attempt_key):
        raise NotCapturable(current=payment.status)
    if payment.status != Status.SUCCEEDED:
        raise NotCapturable(current=payment.status)
    return payment


@forbids_transaction
def void_payment(*, payment_id: int, attempt_key: str | None = None) -> Payment:
    """Let go of an authorisation without collecting it.

    :param attempt_key: a stable name of the request; a repeat gets what it came to.
    :raises NotVoidable: nothing is authorised.
    """
    payment = transactions.run(partial(_begin_ending, payment_id, attempt_key))
    if payment.status == Status.REQUIRES_CAPTURE:
        payment = cancel_intent(payment_id=payment_id)
    elif not _is_repeat(payment, attempt_key):
        raise NotVoidable(current=payment.status)
    if payment.status != Status.CANCELED:
        raise NotVoidable(current=payment.status)
    return payment


def _begin_ending(payment_id: int, attempt_key: str | None) -> Payment:
    """Write down who captures or voids an authorisation, so that a repeat is recognised."""
    payment = lock_payment(payment_id)
    if attempt_key is not None and payment.status == Status.REQUIRES_CAPTURE:
        payment.ending_attempt = attempt_key
        payment.save(update_fields=["ending_attempt"])
    return payment


def _is_repeat(payment: Payment, attempt_key: str | None) -> bool:
    return attempt_key is not None and payment.ending_attempt == attempt_key


def _capture_at_provider(payment: Payment) -> Payment:
    provider = get_provider(payment.provider)
    intent = str(payment.provider_reference)
    with flags_refusals(payment):
        try:
            key = payment.key_for(f"payment-{payment.pk}-capture")
            state = provider.capture(provider_reference=intent, idempotency_key=key)
        except UnexpectedState:
            state = provider.retrieve(provider_reference=intent)
    return apply_answer(payment=payment, state=state)
