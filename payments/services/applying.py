"""What a provider says becomes what we know: one door for answers, webhooks and questions.

Whatever the order in which news comes in, and however often, the end is the same: captured
money never goes down, and news older than what is known changes nothing.
"""

import logging

from django.db.models import F
from django.utils import timezone

from payments.events import (
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
)
from payments.models import Payment, Refund
from payments.providers.base import IntentState, RefundState
from payments.services.locking import lock_payment
from shop_backend.kernel import events
from shop_backend.kernel.money import Money
from shop_backend.kernel.transactions import requires_transaction, use_case

logger = logging.getLogger(__name__)
Status = Payment.Status
_OPEN = {
    Status.REQUIRES_PAYMENT_METHOD,
    Status.REQUIRES_ACTION,
    Status.PROCESSING,
    Status.REQUIRES_CAPTURE,
}


# What a person has to look at without the payment itself being in doubt.
HARMLESS_REVIEWS = {"refund_failed", "refund_failed_late", "refund_mismatch"}


class CaptureUnknown(Exception):
    """A refund is reported before the capture it belongs to; it can be applied later."""


@use_case
def apply_answer(*, payment_id: int, state: IntentState) -> Payment:
    """Apply what the provider answered, and return the payment as it is now."""
    payment = lock_payment(payment_id)
    apply_intent(payment=payment, state=state)
    payment.synced_at = timezone.now()
    payment.save(update_fields=["synced_at"])
    return payment


@requires_transaction
def apply_intent(*, payment: Payment, state: IntentState) -> str:
    """Bring a payment, locked by the caller, up to what the provider says, and report it.

    :return: empty, or the reason why it does not fit this payment and was not applied.
    """
    if reason := _misfit(payment, state):
        _flag(payment, reason)
        return reason
    received = state.captured.minor - payment.captured_minor
    if state.version < payment.provider_version and received <= 0:
        return ""
    # A provider's clock may be too coarse to tell an announcement from the decline after it.
    is_news = state.version > payment.provider_version or state.failure_code != payment.failure_code
    status = Status(state.status)
    has_moved = payment.status != status and payment.may_become(status)
    _remember(payment, state, has_moved=has_moved, received=max(0, received))
    if has_moved and status == Status.REQUIRES_CAPTURE:
        events.publish(PaymentAuthorized(payment.reference, payment.pk, payment.amount))
    if received > 0:
        amount = Money(received, payment.currency)
        events.publish(PaymentCaptured(payment.reference, payment.pk, amount))
    if has_moved and status == Status.CANCELED:
        events.publish(PaymentCanceled(payment.reference, payment.pk))
    is_failure = status == Status.REQUIRES_PAYMENT_METHOD and bool(state.failure_code)
    if is_failure and payment.is_open and (is_news or has_moved):
        events.publish(PaymentFailed(payment.reference, payment.pk, state.failure_code))
    return ""


def _misfit(payment: Payment, state: IntentState) -> str:
    if payment.provider_reference not in {None, state.provider_reference}:
        return "foreign_intent"
    if state.amount.currency != payment.currency or state.captured.currency != payment.currency:
        return "currency_mismatch"
    if state.amount.minor != payment.amount_minor or state.captured > payment.amount:
        return "amount_mismatch"
    return ""


def _flag(payment: Payment, reason: str) -> None:
    logger.error("payment %s: %s", payment.pk, reason)
    payment.review_reason = reason
    payment.save(update_fields=["review_reason"])


def _remember(payment: Payment, state: IntentState, *, has_moved: bool, received: int) -> None:
    payment.provider_reference = state.provider_reference
    payment.client_secret = payment.client_secret or state.client_secret
    payment.provider_version = max(state.version, payment.provider_version)
    payment.captured_minor += received
    if has_moved:
        payment.status = state.status
    if payment.status not in _OPEN:
        payment.open_reference = None
    if state.status in {Status.CANCELED, Status.SUCCEEDED}:
        payment.is_cancel_pending = False
    if payment.status == state.status:
        payment.failure_code = state.failure_code
        payment.next_action = dict(state.next_action) if state.next_action else None
    payment.updated_at = timezone.now()
    payment.save(
        update_fields=[
            "provider_reference",
            "client_secret",
            "provider_version",
            "captured_minor",
            "status",
            "open_reference",
            "is_cancel_pending",
            "failure_code",
            "next_action",
            "updated_at",
        ]
    )


@use_case
def apply_refund_answer(*, refund_id: int, state: RefundState) -> Refund:
    """Apply what the provider answered to a refund, and return the refund as it is now."""
    payment = lock_payment(Refund.objects.get(pk=refund_id).payment_id)
    apply_refund(payment=payment, state=state)
    return Refund.objects.get(pk=refund_id)


@requires_transaction
def apply_refund(*, payment: Payment, state: RefundState) -> str:
    """Bring a refund of a payment, locked by the caller, up to what the provider says.

    A refund we do not know was made at the provider's own site; it is entered in the books.

    :return: empty, or the reason why it does not fit and was not applied.
    """
    refund = _find_refund(payment, state)
    if refund is None:
        if state.status == Refund.Status.FAILED:
            return ""
        refund = _enter_foreign_refund(payment, state)
    if refund.amount != state.amount:
        _flag(payment, "refund_mismatch")
        return "refund_mismatch"
    refund.provider_reference = state.provider_reference
    refund.save(update_fields=["provider_reference"])
    if state.status == Refund.Status.SUCCEEDED:
        settle_refund(payment=payment, refund=refund)
    elif state.status == Refund.Status.FAILED:
        fail_refund(payment=payment, refund=refund, code=state.failure_code)
    return ""


def _find_refund(payment: Payment, state: RefundState) -> Refund | None:
    # A locking read: on MariaDB a plain one may not see what another has just entered.
    refunds = list(payment.refunds.select_for_update().order_by("pk"))
    for refund in refunds:
        if refund.provider_reference == state.provider_reference:
            return refund
    for refund in refunds:
        if refund.provider_reference is None and refund.pk == state.refund_id:
            return refund
    return None


def _enter_foreign_refund(payment: Payment, state: RefundState) -> Refund:
    if not take_refundable(payment=payment, amount=state.amount):
        raise CaptureUnknown(state.provider_reference)
    return Refund.objects.create(
        payment=payment,
        amount_minor=state.amount.minor,
        currency=state.amount.currency,
        reason="Refunded at the provider.",
    )


@requires_transaction
def take_refundable(*, payment: Payment, amount: Money) -> bool:
    """Count the amount as refunded if so much is left; return whether it was."""
    taken = Payment.objects.filter(
        pk=payment.pk,
        currency=amount.currency,
        captured_minor__gte=F("refunded_minor") + amount.minor,
    ).update(refunded_minor=F("refunded_minor") + amount.minor, updated_at=timezone.now())
    return bool(taken)


@requires_transaction
def settle_refund(*, payment: Payment, refund: Refund) -> None:
    """Note that the money is on its way; of a refund that has ended, nothing."""
    if _end(refund, Refund.Status.SUCCEEDED, ""):
        events.publish(
            PaymentRefunded(payment.reference, payment.pk, refund.amount, refund.actor_id)
        )


@requires_transaction
def fail_refund(*, payment: Payment, refund: Refund, code: str) -> None:
    """Note and report that the money stays, and can be refunded again: a person looks.

    A refund that fails after it had succeeded has been told to the customer.
    """
    if _end(refund, Refund.Status.FAILED, code):
        Payment.objects.filter(pk=payment.pk, refunded_minor__gte=refund.amount_minor).update(
            refunded_minor=F("refunded_minor") - refund.amount_minor, updated_at=timezone.now()
        )
        if not payment.review_reason:  # one that stops the payment weighs more
            _flag(payment, "refund_failed")
        events.publish(PaymentRefundFailed(payment.reference, payment.pk, refund.amount, code))
    elif Refund.objects.filter(pk=refund.pk, status=Refund.Status.SUCCEEDED).exists():
        _flag(payment, "refund_failed_late")


def _end(refund: Refund, status: str, code: str) -> bool:
    ended = Refund.objects.filter(pk=refund.pk, status=Refund.Status.PENDING).update(
        status=status, failure_code=code, updated_at=timezone.now()
    )
    return bool(ended)
