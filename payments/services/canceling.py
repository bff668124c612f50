"""Giving up what was not collected; capturing or voiding what was only authorised."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from payments.errors import NotCapturable, NotVoidable, PaymentInProgress
from payments.events import PaymentCanceled
from payments.models import Payment
from payments.providers import get_provider
from payments.providers.base import UnexpectedState
from payments.services.applying import apply_answer
from payments.services.intents import ensure_intent
from shop_backend.kernel import events, outbox
from shop_backend.kernel.transactions import forbids_transaction, requires_transaction

CANCEL_KIND = "payments.cancel_at_provider"
Status = Payment.Status


@requires_transaction
def lock_payments(*, reference: str) -> list[Payment]:
    """Lock all payments of a reference, in primary-key order, and return them."""
    rows = Payment.objects.for_reference(reference).select_for_update()
    return list(rows.order_by("pk"))


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
    payment = ensure_intent(Payment.objects.get(pk=payment_id), is_refreshed=False)
    provider = get_provider(payment.provider)
    intent = str(payment.provider_reference)
    try:
        key = f"payment-{payment.pk}-cancel"
        state = provider.cancel(provider_reference=intent, idempotency_key=key)
    except UnexpectedState:
        state = provider.retrieve(provider_reference=intent)
    payment = apply_answer(payment_id=payment.pk, state=state)
    if state.status not in {Status.CANCELED, Status.SUCCEEDED}:
        raise PaymentInProgress
    return payment


@forbids_transaction
def capture_payment(*, payment_id: int) -> Payment:
    """Collect all that was authorised; again is harmless.

    :raises NotCapturable: nothing is authorised.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.status != Status.REQUIRES_CAPTURE:
        raise NotCapturable(current=payment.status)
    provider = get_provider(payment.provider)
    intent = str(payment.provider_reference)
    try:
        key = f"payment-{payment.pk}-capture"
        state = provider.capture(provider_reference=intent, idempotency_key=key)
    except UnexpectedState:
        state = provider.retrieve(provider_reference=intent)
    payment = apply_answer(payment_id=payment.pk, state=state)
    if payment.status != Status.SUCCEEDED:
        raise NotCapturable(current=payment.status)
    return payment


@forbids_transaction
def void_payment(*, payment_id: int) -> Payment:
    """Let go of an authorisation without collecting it.

    :raises NotVoidable: nothing is authorised.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.status != Status.REQUIRES_CAPTURE:
        raise NotVoidable(current=payment.status)
    payment = cancel_intent(payment_id=payment_id)
    if payment.status != Status.CANCELED:
        raise NotVoidable(current=payment.status)
    return payment
