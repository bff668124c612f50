"""What a provider says becomes what we know: one door for answers, webhooks and questions.

Whatever the order in which news comes in, and however often, the end is the same: captured
money never goes down, and news older than what is known changes nothing.
"""

from dataclasses import asdict, replace
from functools import partial

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
from payments.ports import payable_orders
from payments.providers.base import IntentState, RefundState
from payments.services import ledger
from payments.services.card_testing import count_decline
from payments.services.locking import lock_payment, lock_payment_of
from payments.services.reviewing import open_review
from shop_backend.kernel import events, statements, transactions
from shop_backend.kernel.money import Money
from shop_backend.kernel.transactions import forbids_transaction, requires_transaction, use_case

Status = Payment.Status
_OPEN = {
    Status.REQUIRES_PAYMENT_METHOD,
    Status.REQUIRES_ACTION,
    Status.PROCESSING,
    Status.REQUIRES_CAPTURE,
}


class CaptureUnknown(Exception):
    """A refund is reported before the capture it belongs to; it can be applied later."""


@forbids_transaction
def apply_answer(*, payment: Payment, state: IntentState) -> Payment:
    """Apply what the provider answered, and return the payment as it is now."""
    apply = partial(_apply_answer, payment.pk, payment.reference, state)
    return transactions.run(apply, recover=payable_orders.answerer.make_room)


def _apply_answer(payment_id: int, reference: str, state: IntentState) -> Payment:
    payment = lock_payment_of(pk=payment_id, reference=reference)
    payment.synced_at = timezone.now()
    if apply_intent(payment=payment, state=state) or _is_older(payment, state):
        payment.save(update_fields=["synced_at"])
    return payment


@requires_transaction
def apply_intent(*, payment: Payment, state: IntentState) -> str:
    """Bring a payment, locked by the caller, up to what the provider says, and report it.

    :return: empty, or the reason why it does not fit this payment and was not applied.
    """
    if reason := _misfit(payment, state):
        said = asdict(replace(state, client_secret="", next_action=None))  # nosec  # takes it out
        open_review(payment=payment, reason=reason, said=said)
        return reason
    received = state.captured.minor - payment.captured_minor
    if _is_older(payment, state):
        return ""
    # A provider's clock may be too coarse to tell an announcement from the decline after it.
    is_news = state.version > payment.provider_version or state.failure_code != payment.failure_code
    status = Status(state.status)
    has_moved = payment.status != status and payment.may_become(status)
    _remember(payment, state, has_moved=has_moved, received=max(0, received))
    if received > 0 and payment.captured_minor < payment.amount_minor:
        # Counted, because it came in; and not what was due, so somebody has to look.
        open_review(payment=payment, reason="captured_in_part", said={"captured": received})
    if has_moved and status == Status.REQUIRES_CAPTURE:
        events.publish(PaymentAuthorized(payment.reference, payment.pk, payment.amount))
    if received > 0:
        amount = Money(received, payment.currency)
        events.publish(PaymentCaptured(payment.reference, payment.pk, amount))
    if has_moved and status == Status.CANCELED:
        events.publish(PaymentCanceled(payment.reference, payment.pk))
    is_failure = status == Status.REQUIRES_PAYMENT_METHOD and bool(state.failure_code)
    if is_failure and payment.is_open and (is_news or has_moved):
        count_decline(payment=payment, card_fingerprint=state.card_fingerprint)
        events.publish(PaymentFailed(payment.reference, payment.pk, state.failure_code))
    return ""


@requires_transaction
def is_in_doubt(*, payment: Payment, state: IntentState) -> bool:
    """Return whether news is as old as what is known, and says something else.

    A provider's clock may be too coarse to tell which came later; then the provider is asked.
    """
    if not payment.is_open or _misfit(payment, state):
        return False
    is_as_old = state.version == payment.provider_version
    known = (payment.status, payment.failure_code, payment.captured_minor)
    return is_as_old and (state.status, state.failure_code, state.captured.minor) != known


def _is_older(payment: Payment, state: IntentState) -> bool:
    return (
        state.version < payment.provider_version and state.captured.minor <= payment.captured_minor
    )


def _misfit(payment: Payment, state: IntentState) -> str:
    if payment.provider_reference not in {None, state.provider_reference}:
        return "foreign_intent"
    if state.payment_id not in {None, payment.pk}:
        return "owner_mismatch"
    if state.reference not in {"", payment.reference}:
        return "reference_mismatch"
    if state.amount.currency != payment.currency or state.captured.currency != payment.currency:
        return "currency_mismatch"
    if state.amount.minor != payment.amount_minor or state.captured > payment.amount:
        return "amount_mismatch"
    return ""


def _remember(payment: Payment, state: IntentState, *, has_moved: bool, received: int) -> None:
    payment.provider_reference = state.provider_reference
    payment.client_secret = payment.client_secret or state.client_secret
    payment.provider_version = max(state.version, payment.provider_version)
    if has_moved:
        payment.status = state.status
    if received or payment.is_cancel_pending or payment.status == state.status:
        _book(payment, state, received)
    if payment.status not in _OPEN:
        payment.open_reference = None
    if state.status in {Status.CANCELED, Status.SUCCEEDED}:
        payment.is_cancel_pending = False
    if payment.status == state.status:
        payment.failure_code = state.failure_code
        payment.next_action = dict(state.next_action) if state.next_action else None
    payment.updated_at = timezone.now()
    statements.save(
        payment,
        "provider_reference",
        "client_secret",
        "provider_version",
        "processing_minor",
        "authorized_minor",
        "captured_minor",
        "status",
        "open_reference",
        "is_cancel_pending",
        "failure_code",
        "next_action",
        "updated_at",
        "synced_at",
    )


def _book(payment: Payment, state: IntentState, received: int) -> None:
    left = payment.amount_minor - payment.captured_minor - received
    held = payment.authorized_minor  # until it is captured, or the provider has let it go
    if state.status == Status.REQUIRES_CAPTURE:
        held = left
    elif state.status in {Status.SUCCEEDED, Status.CANCELED}:
        held = 0
    working = left - held if state.status == Status.PROCESSING else 0
    ledger.book_progress(payment=payment, working=working, held=held, received=received)


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
    if reason := _refund_misfit(payment, refund, state):
        open_review(payment=payment, reason=reason, said=asdict(state))
        return reason
    if refund is None:
        refund = _enter_foreign_refund(payment, state)
    refund.provider_reference = state.provider_reference
    refund.save(update_fields=["provider_reference"])
    if state.status == Refund.Status.SUCCEEDED:
        settle_refund(payment=payment, refund=refund)
    elif state.status == Refund.Status.FAILED:
        fail_refund(payment=payment, refund=refund, code=state.failure_code)
    return ""


def _refund_misfit(payment: Payment, refund: Refund | None, state: RefundState) -> str:
    if state.intent_reference not in {"", payment.provider_reference}:
        return "refund_of_foreign_intent"
    if state.amount.currency != payment.currency or state.amount.minor <= 0:
        return "refund_mismatch"
    return "refund_mismatch" if refund is not None and refund.amount != state.amount else ""


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
    # One that has failed is written down for the news of its beginning, which may come later.
    has_failed = state.status == Refund.Status.FAILED
    if not has_failed and not take_refundable(payment=payment, amount=state.amount):
        raise CaptureUnknown(state.provider_reference)
    refund = Refund.objects.create(
        payment=payment,
        amount_minor=state.amount.minor,
        currency=state.amount.currency,
        reason="Refunded at the provider.",
        status=Refund.Status.FAILED if has_failed else Refund.Status.PENDING,
        failure_code=state.failure_code if has_failed else "",
    )
    if not has_failed:
        ledger.book_refund_request(refund=refund)
    return refund


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
        ledger.book_refund_success(refund=refund)
        events.publish(
            PaymentRefunded(payment.reference, payment.pk, refund.amount, refund.actor_id)
        )


@requires_transaction
def fail_refund(*, payment: Payment, refund: Refund, code: str) -> None:
    """Note and report that the money stays, and can be refunded again: a person looks.

    A refund that fails after it had succeeded has been told to the customer: its review says so.
    """
    if _end(refund, Refund.Status.FAILED, code):
        ledger.book_refund_failure(refund=refund)
        reason = "refund_failed"
    elif _end(refund, Refund.Status.FAILED, code, before=Refund.Status.SUCCEEDED):
        ledger.book_late_refund_failure(refund=refund)
        reason = "refund_failed_late"
    else:
        return
    Payment.objects.filter(pk=payment.pk, refunded_minor__gte=refund.amount_minor).update(
        refunded_minor=F("refunded_minor") - refund.amount_minor, updated_at=timezone.now()
    )
    open_review(payment=payment, reason=reason, said={"refund": refund.pk})
    events.publish(PaymentRefundFailed(payment.reference, payment.pk, refund.amount, code))


def _end(refund: Refund, status: str, code: str, *, before: str = Refund.Status.PENDING) -> bool:
    ended = Refund.objects.filter(pk=refund.pk, status=before).update(
        status=status, failure_code=code, updated_at=timezone.now()
    )
    return bool(ended)
