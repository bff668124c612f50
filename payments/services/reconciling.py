"""Holding our payments against what the provider says, and healing what was not told.

All of it can be done at any time, twice, and while the shop sells: each step asks, and applies
the answer as if it had come by itself.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from payments.errors import ProviderUnavailable
from payments.models import Payment, ProviderEvent, Refund
from payments.providers import get_known_names, get_provider
from payments.services.applying import CaptureUnknown, apply_refund
from payments.services.canceling import cancel_intent
from payments.services.intents import ensure_intent
from payments.services.locking import lock_payment
from payments.services.refunding import send_refund
from payments.services.webhooks import try_to_apply_event
from shop_backend.kernel import transactions
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money
from shop_backend.kernel.transactions import forbids_transaction

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of one payment; ``problem`` says why it is not settled, if so."""

    payment_id: int
    reference: str
    before: str
    after: str
    problem: str = ""

    @property
    def has_changed(self) -> bool:
        """Whether something was healed."""
        return self.before != self.after

    def __str__(self) -> str:
        change = f"{self.before} -> {self.after}" if self.has_changed else self.before
        text = f"{self.reference} payment {self.payment_id}: {change}"
        return f"{text}: {self.problem}" if self.problem else text


def get_quiet_payments(*, quiet_for: timedelta, since: datetime | None = None) -> list[int]:
    """Return the payments of which something is to come and has not, oldest first, by their pk.

    :param since: the settled ones, too, of which there was news since then.
    """
    before = timezone.now() - quiet_for
    is_quiet = Q(Payment.UNSETTLED, synced_at__lte=before)
    is_recent = Q(updated_at__gte=since) if since is not None else Q()
    rows = Payment.objects.annotate(awaits_refund=Exists(_quiet_refunds(before)))
    names = [Payment.OFFLINE, *get_known_names()]
    rows = rows.filter(is_quiet | is_recent | Q(awaits_refund=True), provider__in=names)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def get_unapplied_events() -> list[int]:
    """Return the events of the inbox that were not dealt with, given up ones too, by their pk."""
    rows = ProviderEvent.objects.filter(applied_at=None).order_by("pk")
    return list(rows.values_list("pk", flat=True))


@forbids_transaction
def reconcile_events() -> Iterator[bool]:
    """Apply what is left in the inbox; yield of each whether it was applied."""
    for pk in get_unapplied_events():
        yield try_to_apply_event(event_id=pk)


@forbids_transaction
def reconcile_payment(*, payment_id: int) -> Reconciled:
    """Ask the provider about a payment and its refunds, and apply what it says.

    :raises ProviderUnavailable: there is no use in asking about the next.
    """
    payment = Payment.objects.get(pk=payment_id)
    before, problem = _describe(payment), ""
    if payment.is_under_review:
        return Reconciled(payment_id, payment.reference, before, before, payment.review_reason)
    try:
        _ask(payment)
    except ProviderUnavailable:
        raise
    except ShopError as refusal:
        problem = refusal.code
    except Exception as error:  # one payment that cannot be settled must not stop the rest
        logger.exception("payment %s was not reconciled", payment_id)
        problem = type(error).__name__
    payment.refresh_from_db()
    problem = problem or payment.review_reason
    return Reconciled(payment_id, payment.reference, before, _describe(payment), problem)


@forbids_transaction
def sync_pending_refunds(*, limit: int = 100, unasked_for: timedelta = timedelta(0)) -> int:
    """Ask the provider about refunds that it has not ended, the longest unasked first.

    It stops at the first sign that the provider is down; one that fails in any other way is left
    for the next time.

    :return: how many payments were asked about.
    """
    quiet = _quiet_refunds(timezone.now() - unasked_for).exclude(provider_reference=None)
    rows = Payment.objects.filter(Exists(quiet), provider__in=get_known_names())
    payments = list(rows.order_by("pk")[:limit])
    for count, payment in enumerate(payments):
        _put_last(payment)
        try:
            ask_about_refunds(payment=payment)
        except ProviderUnavailable:
            return count
        except Exception:  # one payment that cannot be asked about must not keep the rest waiting
            logger.exception("the refunds of payment %s were not looked up", payment.pk)
    return len(payments)


@forbids_transaction
def ask_about_refunds(*, payment: Payment) -> None:
    """Take the provider's word for all refunds of a payment, those made at its own site too."""
    if payment.provider == Payment.OFFLINE or payment.provider_reference is None:
        return
    provider = get_provider(payment.provider)
    states = provider.list_refunds(provider_reference=payment.provider_reference)

    def apply_all() -> None:
        locked = lock_payment(payment.pk)
        for state in reversed(states):
            apply_refund(payment=locked, state=state)

    try:
        transactions.run(apply_all)
    except CaptureUnknown:
        # More went back than we know to have come in: its event, or the next question, will tell.
        logger.warning("payment %s: a refund exceeds what is known", payment.pk)


def _ask(payment: Payment) -> None:
    if payment.is_cancel_pending:
        cancel_intent(payment_id=payment.pk)
    elif payment.is_open or payment.provider_reference is not None:
        ensure_intent(payment)
    pending = payment.refunds.filter(status=Refund.Status.PENDING)
    for refund in pending.filter(provider_reference=None).order_by("pk"):
        send_refund({"refund_id": refund.pk})
    ask_about_refunds(payment=payment)


def _quiet_refunds(before: datetime) -> QuerySet[Refund]:
    pending = Refund.objects.filter(payment=OuterRef("pk"), status=Refund.Status.PENDING)
    return pending.filter(updated_at__lte=before)


def _put_last(payment: Payment) -> None:
    payment.refunds.filter(status=Refund.Status.PENDING).update(updated_at=timezone.now())


def _describe(payment: Payment) -> str:
    pending = payment.refunds.filter(status=Refund.Status.PENDING).count()
    captured = Money(payment.captured_minor, payment.currency)
    refunded = Money(payment.refunded_minor, payment.currency)
    text = f"{payment.status}, captured {captured}, refunded {refunded}"
    return f"{text} ({pending} pending)" if pending else text
