"""The provider's intent of a payment: made once, asked for whenever in doubt."""

from datetime import datetime, timedelta

from django.utils import timezone

from payments.errors import PaymentUnderReview, ProviderUnavailable
from payments.models import Payment
from payments.providers import get_provider, is_known
from payments.providers.base import IntentState
from payments.services.applying import apply_answer
from shop_backend.kernel.transactions import forbids_transaction


@forbids_transaction
def ensure_intent(payment: Payment, *, is_refreshed: bool = True) -> Payment:
    """Make the provider's intent if there is none; else, if wanted, ask how it stands."""
    provider = get_provider(payment.provider)
    if payment.provider_reference is None:
        state = provider.create_intent(
            amount=payment.amount,
            payment_id=payment.pk,
            reference=payment.reference,
            capture_method=payment.capture_method,
            idempotency_key=f"payment-{payment.pk}",
        )
    elif is_refreshed:
        state = provider.retrieve(provider_reference=payment.provider_reference)
    else:
        return payment
    return apply_checked(payment, state)


def apply_checked(payment: Payment, state: IntentState) -> Payment:
    """Apply an answer, and go no further with a payment that it does not fit.

    :raises PaymentUnderReview: amount, currency or identity differ from what we asked for.
    """
    payment = apply_answer(payment_id=payment.pk, state=state)
    if payment.review_reason:
        raise PaymentUnderReview
    return payment


@forbids_transaction
def refresh_payment(*, payment_id: int) -> Payment:
    """Ask the provider how a payment stands, and apply the answer."""
    return ensure_intent(Payment.objects.get(pk=payment_id))


@forbids_transaction
def sync_open_payments(*, limit: int = 100, unasked_for: timedelta = timedelta(0)) -> int:
    """Ask the provider about open payments, the longest unasked first; return how many.

    This heals webhooks that were lost. It stops at the first sign that the provider is down.

    :param unasked_for: leave out those that were asked about more lately.
    """
    before = timezone.now() - unasked_for
    known = [payment for payment in _open_payments(before, limit) if is_known(payment.provider)]
    for count, payment in enumerate(known):
        try:
            ensure_intent(payment)
        except ProviderUnavailable:
            return count
        except PaymentUnderReview:
            continue
    return len(known)


def _open_payments(before: datetime, limit: int) -> list[Payment]:
    rows = Payment.objects.open().filter(review_reason="", synced_at__lte=before)
    return list(rows.order_by("synced_at", "pk")[:limit])
