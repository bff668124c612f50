"""Sending money back: counted first, sent afterwards, never more than came in."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from accounts.selectors import lock_turns
from payments import conf
from payments.errors import (
    NothingToRefund,
    ProviderUnavailable,
    RefundDayLimitExceeded,
    RefundExceedsCaptured,
    RefundLimitExceeded,
    RefundNotAllowed,
)
from payments.models import Payment, Refund
from payments.providers import get_known_names, get_provider
from payments.providers.base import RefundRefused
from payments.services import ledger
from payments.services.applying import (
    apply_refund_answer,
    fail_refund,
    settle_refund,
    take_refundable,
)
from payments.services.locking import lock_payment, lock_payments
from shop_backend.kernel import outbox, transactions
from shop_backend.kernel.errors import IdempotencyKeyReused
from shop_backend.kernel.money import Money, total
from shop_backend.kernel.transactions import forbids_transaction, requires_transaction, use_case

logger = logging.getLogger(__name__)
SEND_KIND = "payments.send_refund"
_LEFT_BEHIND_AFTER = timedelta(minutes=2)
_DAY = timedelta(hours=24)


def check_refund_limit(*, actor: User, amount: Money) -> None:
    """Refuse an actor whose role does not refund so much of one payment; nothing is fine.

    :raises RefundLimitExceeded: the role refunds, but not so much.
    :raises RefundNotAllowed: the role does not refund at all.
    """
    if not amount or actor.has_perm("payments.refund_payment"):
        return
    if not actor.has_perm("payments.refund_payment_within_limit"):
        raise RefundNotAllowed
    limit = conf.get_support_refund_limit(amount.currency)
    if amount > limit:
        raise RefundLimitExceeded(limit=str(limit))


@requires_transaction
def check_refund_limit_for(*, actor: User, reference: str) -> None:
    """Refuse an actor whose role may not send back all that is left on a reference.

    The limit is per payment, and counts what went back before.

    :raises RefundLimitExceeded: it is too much of one of the payments.
    :raises RefundDayLimitExceeded: it is too much in 24 hours.
    :raises RefundNotAllowed: the role does not refund at all.
    """
    due = [payment for payment in lock_payments(reference=reference) if payment.refundable]
    for payment in due:
        _check_limit_of_payment(actor, payment, payment.refundable)
    if due:
        currency = due[0].currency
        _check_day_limit(actor, total([payment.refundable for payment in due], currency))


@forbids_transaction
def refund(
    *,
    payment_id: int,
    amount: Money | None,
    reason: str,
    actor_id: int | None,
    attempt_key: str | None,
) -> Refund:
    """Send money back and return the refund; pending if the provider is away or takes its time.

    :param amount: ``None`` for all that is left.
    :param attempt_key: a stable name of the request; a repeat goes on with the same refund.
    :raises RefundExceedsCaptured: less than that is left.
    :raises NothingToRefund: nothing is.
    """
    begin = partial(_begin, payment_id, amount, reason, actor_id, attempt_key, _no_limit)
    return _send_now(transactions.run(begin))


@forbids_transaction
def refund_as_staff(
    *, payment_id: int, amount: Money | None, reason: str, actor: User, attempt_key: str | None
) -> Refund:
    """Send money back as far as the actor's role goes; see ``refund``.

    The limit holds for all refunds of one payment together, so that it cannot be split.

    :raises RefundLimitExceeded, RefundDayLimitExceeded: a manager has to do that.
    """
    check = partial(_check_limit, actor)
    begin = partial(_begin, payment_id, amount, reason, actor.pk, attempt_key, check)
    return _send_now(transactions.run(begin))


@requires_transaction
def request_refund(*, payment_id: int, amount: Money, reason: str, actor_id: int | None) -> Refund:
    """Count a refund and write it down; it is sent after the commit.

    :raises RefundExceedsCaptured: less than that is left.
    """
    payment = lock_payment(payment_id)
    refund = _write_down(payment, amount, reason, actor_id, None)
    outbox.put(SEND_KIND, {"refund_id": refund.pk})
    return refund


@requires_transaction
def refund_everything(*, reference: str, reason: str, actor_id: int | None) -> Money:
    """Send back all that was captured for a reference; return how much that is."""
    payments = lock_payments(reference=reference)
    currency = payments[0].currency if payments else settings.SHOP_CURRENCY
    amounts = [payment.refundable for payment in payments]
    for payment, amount in zip(payments, amounts, strict=True):
        if amount:
            request_refund(payment_id=payment.pk, amount=amount, reason=reason, actor_id=actor_id)
    return total(amounts, currency)


@forbids_transaction
def send_refund(payload: Mapping[str, Any]) -> None:
    """Deliver ``payments.send_refund``; again is harmless.

    :raises ProviderUnavailable: the outbox tries again later.
    """
    _send(Refund.objects.select_related("payment").get(pk=payload["refund_id"]))


@forbids_transaction
def send_refunds_left_behind(*, limit: int = 100) -> int:
    """Send the refunds whose sender died before it could; return how many were tried.

    It stops at the first sign that the provider is down; a refund that fails in any other way
    is left for the next time.
    """
    before = timezone.now() - _LEFT_BEHIND_AFTER
    pending = Refund.objects.filter(
        status=Refund.Status.PENDING,
        provider_reference=None,
        created_at__lte=before,
        payment__provider__in=[Payment.OFFLINE, *get_known_names()],
    )
    refunds = list(pending.select_related("payment").order_by("updated_at", "pk")[:limit])
    for count, refund in enumerate(refunds):
        try:
            _send(refund)
        except ProviderUnavailable:
            _put_last(refund)
            return count
        except Exception:  # one refund that cannot be sent must not keep the rest waiting
            logger.exception("refund %s was not sent", refund.pk)
            _put_last(refund)
    return len(refunds)


def _put_last(refund: Refund) -> None:
    Refund.objects.filter(pk=refund.pk).update(updated_at=timezone.now())


def _check_limit(actor: User, payment: Payment, wanted: Money) -> None:
    _check_limit_of_payment(actor, payment, wanted)
    _check_day_limit(actor, wanted)


def _check_limit_of_payment(actor: User, payment: Payment, wanted: Money) -> None:
    before = Money(payment.refunded_minor, payment.currency)
    check_refund_limit(actor=actor, amount=before + wanted)


def _check_day_limit(actor: User, wanted: Money) -> None:
    if actor.has_perm("payments.refund_payment"):
        return
    lock_turns(user_id=actor.pk)  # the last lock but the stock's
    made = Refund.objects.filter(
        actor_id=actor.pk, currency=wanted.currency, created_at__gt=timezone.now() - _DAY
    )
    before = made.exclude(status=Refund.Status.FAILED).aggregate(sum=Sum("amount_minor"))["sum"]
    limit = conf.get_support_refund_day_limit(wanted.currency)
    if Money(before or 0, wanted.currency) + wanted > limit:
        raise RefundDayLimitExceeded(limit=str(limit))


def _no_limit(payment: Payment, wanted: Money) -> None:
    """Let it pass: the caller has decided."""


def _begin(
    payment_id: int,
    amount: Money | None,
    reason: str,
    actor_id: int | None,
    attempt_key: str | None,
    check: Callable[[Payment, Money], None],
) -> Refund:
    payment = lock_payment(payment_id)
    if attempt_key is not None:
        begun = Refund.objects.filter(attempt_key=attempt_key).first()
        if begun is not None:
            if begun.payment_id != payment_id or (amount is not None and begun.amount != amount):
                raise IdempotencyKeyReused
            return begun
    wanted = payment.refundable if amount is None else amount
    if not payment.refundable:
        raise NothingToRefund
    check(payment, wanted)
    return _write_down(payment, wanted, reason, actor_id, attempt_key)


def _write_down(
    payment: Payment, amount: Money, reason: str, actor_id: int | None, attempt_key: str | None
) -> Refund:
    # The refund's row before the counter: what everybody waits for is touched last.
    refund = Refund.objects.create(
        payment=payment,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason=reason,
        actor_id=actor_id,
        attempt_key=attempt_key,
    )
    ledger.book_refund_request(refund=refund)
    if not take_refundable(payment=payment, amount=amount):
        raise RefundExceedsCaptured(requested=str(amount), left=str(payment.refundable))
    return refund


def _send_now(refund: Refund) -> Refund:
    try:
        return _send(Refund.objects.select_related("payment").get(pk=refund.pk))
    except ProviderUnavailable:
        transactions.run(partial(outbox.put, SEND_KIND, {"refund_id": refund.pk}))
    return Refund.objects.get(pk=refund.pk)


@forbids_transaction
def _send(refund: Refund) -> Refund:
    if refund.status != Refund.Status.PENDING or refund.provider_reference is not None:
        return refund
    payment = refund.payment
    if payment.provider == Payment.OFFLINE:
        return _end(refund_id=refund.pk, refusal=None)
    try:
        state = get_provider(payment.provider).refund(
            provider_reference=str(payment.provider_reference),
            amount=refund.amount,
            refund_id=refund.pk,
            idempotency_key=payment.key_for(f"refund-{refund.pk}"),
        )
    except RefundRefused as refusal:
        return _end(refund_id=refund.pk, refusal=refusal.code)
    return apply_refund_answer(refund_id=refund.pk, state=state)


@use_case
def _end(*, refund_id: int, refusal: str | None) -> Refund:
    """Settle a refund that no provider makes, or fail one that it will not make."""
    refund = Refund.objects.get(pk=refund_id)
    payment = lock_payment(refund.payment_id)
    if refusal is None:
        settle_refund(payment=payment, refund=refund)
    else:
        fail_refund(payment=payment, refund=refund, code=refusal)
    return Refund.objects.get(pk=refund_id)
