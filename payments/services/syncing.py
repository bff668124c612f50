"""Asking the provider what became of the payments that nobody has settled."""

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from payments.errors import PaymentInProgress, PaymentUnderReview, ProviderUnavailable
from payments.models import Payment
from payments.providers import get_known_names
from payments.services.canceling import cancel_intent
from payments.services.intents import ensure_intent
from shop_backend.kernel.transactions import forbids_transaction

logger = logging.getLogger(__name__)


@forbids_transaction
def sync_open_payments(*, limit: int = 100, unasked_for: timedelta = timedelta(0)) -> int:
    """Ask the provider about open payments, the longest unasked first; return how many.

    This heals webhooks that were lost, and cancellations that never reached the provider. It
    stops at the first sign that the provider is down; a payment that fails in any other way is
    left for the next time.

    :param unasked_for: leave out those that were asked about more lately.
    """
    payments = _unsettled_payments(timezone.now() - unasked_for, limit)
    for count, payment in enumerate(payments):
        try:
            _sync(payment)
        except ProviderUnavailable:
            _put_last(payment)
            return count
        except (PaymentUnderReview, PaymentInProgress):
            _put_last(payment)
        except Exception:  # one payment that cannot be synced must not keep the rest waiting
            logger.exception("payment %s was not synced", payment.pk)
            _put_last(payment)
    return len(payments)


def _sync(payment: Payment) -> None:
    if payment.is_cancel_pending:
        cancel_intent(payment_id=payment.pk)
    else:
        ensure_intent(payment)


def _put_last(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(synced_at=timezone.now())


def _unsettled_payments(before: datetime, limit: int) -> list[Payment]:
    rows = Payment.objects.unsettled().filter(provider__in=get_known_names())
    calm = ["", *Payment.HARMLESS_REVIEWS]
    rows = rows.filter(review_reason__in=calm, synced_at__lte=before)
    return list(rows.order_by("synced_at", "pk")[:limit])
