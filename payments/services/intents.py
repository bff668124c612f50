"""The provider's intent of a payment: made once, asked for whenever in doubt."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.utils import timezone

from payments.errors import AmountNotPayable, PaymentUnderReview
from payments.models import Payment
from payments.providers import get_provider
from payments.providers.base import IntentState
from payments.services.applying import apply_answer
from payments.services.reviewing import open_review_of_refusal
from shop_backend.kernel.transactions import forbids_transaction


@forbids_transaction
def ensure_intent(payment: Payment, *, is_refreshed: bool = True) -> Payment:
    """Make the provider's intent if there is none; else, if wanted, ask how it stands.

    :raises AmountNotPayable: it does not collect this amount; the payment is closed.
    """
    if payment.provider_reference is not None and not is_refreshed:
        return payment
    provider = get_provider(payment.provider)
    with flags_refusals(payment):
        if payment.provider_reference is not None:
            state = provider.retrieve(provider_reference=payment.provider_reference)
        else:
            state = _create_intent(payment)
    return apply_checked(payment, state)


def _create_intent(payment: Payment) -> IntentState:
    try:
        return get_provider(payment.provider).create_intent(
            amount=payment.amount,
            payment_id=payment.pk,
            reference=payment.reference,
            capture_method=payment.capture_method,
            idempotency_key=payment.key_for(f"payment-{payment.pk}"),
        )
    except AmountNotPayable:
        # There is nothing at the provider to cancel: left open, it would block the next one.
        Payment.objects.filter(pk=payment.pk, provider_reference=None).update(
            status=Payment.Status.CANCELED,
            open_reference=None,
            is_cancel_pending=False,
            updated_at=timezone.now(),
        )
        raise


@contextmanager
def flags_refusals(payment: Payment) -> Iterator[None]:
    """Have a person look at a payment with which the provider will never go on."""
    try:
        yield
    except PaymentUnderReview as refusal:
        if reason := refusal.params.get("reason"):
            open_review_of_refusal(payment_id=payment.pk, reason=reason)
        raise


def apply_checked(payment: Payment, state: IntentState) -> Payment:
    """Apply an answer, and go no further with a payment that it does not fit.

    :raises PaymentUnderReview: amount, currency or identity differ from what we asked for.
    """
    payment = apply_answer(payment=payment, state=state)
    if payment.is_under_review:
        raise PaymentUnderReview
    return payment


@forbids_transaction
def refresh_payment(*, payment_id: int) -> Payment:
    """Ask the provider how a payment stands, and apply the answer."""
    return ensure_intent(Payment.objects.get(pk=payment_id))


@forbids_transaction
def ask_again(*, payment_id: int) -> Payment:
    """Ask the provider how a payment stands, and apply what fits, also while it is under review.

    The review stays open: a person closes it, or finds out why the answer still does not fit.
    """
    with suppress(PaymentUnderReview):
        refresh_payment(payment_id=payment_id)
    return Payment.objects.get(pk=payment_id)
