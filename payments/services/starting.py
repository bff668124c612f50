"""Starting a payment: what is due becomes one open payment, and that one intent there.

Three short steps with the provider in between, each of which can be repeated: our row first,
then the provider's intent under a key made from that row, then what the provider said. Whoever
comes back after a crash finds the row and goes on with the same intent.
"""

import hashlib
from collections.abc import Callable
from functools import partial

from django.db import IntegrityError

from accounts.models import User
from payments import conf
from payments.errors import CardDeclined, PaymentInProgress, PaymentNotOpen, PaymentUnderReview
from payments.models import Payment
from payments.ports import payable_orders
from payments.providers import get_current_provider, get_provider
from payments.providers.base import UnexpectedState
from payments.services.canceling import cancel_intent
from payments.services.card_testing import one_try
from payments.services.intents import apply_checked, ensure_intent, flags_refusals
from payments.services.locking import lock_payments
from shop_backend.kernel import statements, transactions

Status = Payment.Status
_ROUNDS = 3
_CONFIRMABLE = {Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_ACTION}


@transactions.forbids_transaction
def start_payment(
    *,
    reference: str,
    customer: User,
    payment_method: str | None,
    attempt_key: str | None = None,
) -> Payment:
    """Start the payment of what is due, or go on with the one that is open.

    :param payment_method: with one it is confirmed at once; without, the client does that.
    :param attempt_key: a stable name of the request, by which a repeat is recognised.
    :raises TooManyDeclines: too many cards were declined of late; the provider is not asked.
    :raises CardDeclined: the payment stays open for another method.
    :raises InvalidPaymentMethod: the provider does not know it.
    :raises AmountNotPayable: the provider does not collect so little, or so much.
    :raises ProviderUnavailable: asking again goes on with the same payment.
    :raises PaymentInProgress: an earlier payment of another amount cannot be given up yet.
    :raises PaymentUnderReview: the provider said what does not fit; a person looks first.
    """
    counted = one_try(customer_id=customer.pk, reference=reference, payment_method=payment_method)
    with counted:
        return _start(reference, customer, payment_method, attempt_key)


def _start(
    reference: str, customer: User, payment_method: str | None, attempt_key: str | None
) -> Payment:
    payment = _open_payment_of_what_is_due(reference, customer, payment_method, attempt_key)
    number = payment.confirmations
    if payment.status == Status.SUCCEEDED:
        return payment  # this request was made before, and its answer was lost
    payment = ensure_intent(payment, is_refreshed=payment_method is None)
    if payment.is_under_review:
        raise PaymentUnderReview
    if payment.is_open and payment_method is not None and payment.status in _CONFIRMABLE:
        payment = _confirm(payment, payment_method, number)
    if payment.status == Status.CANCELED:
        raise PaymentNotOpen(current=payment.status)
    return payment


def _open_payment_of_what_is_due(
    reference: str, customer: User, payment_method: str | None, attempt_key: str | None
) -> Payment:
    """Return the open payment; a confirmation with the method is counted already."""
    confirmation = partial(_count, payment_method, attempt_key)
    find_or_create = partial(_find_or_create, reference, customer, attempt_key or "", confirmation)
    for _ in range(_ROUNDS):
        try:
            payment, is_current = transactions.run(find_or_create)
        except IntegrityError:
            continue  # another request opened one at the same moment: find that
        if is_current:
            return payment
        # The amount due has changed, or the payment was given up. Only when the old intent is
        # dead may there be a new one: else both could be collected.
        if cancel_intent(payment_id=payment.pk).is_open:
            raise PaymentInProgress
    raise PaymentInProgress


def _find_or_create(
    reference: str, customer: User, attempt: str, count: Callable[[Payment], list[str]]
) -> tuple[Payment, bool]:
    payments = lock_payments(reference=reference)
    for payment in payments:
        if attempt and payment.start_attempt == attempt and payment.status == Status.SUCCEEDED:
            return payment, True
    due = payable_orders.answerer.get_amount_due(reference=reference, customer_id=customer.pk)
    provider = get_current_provider().name
    for payment in payments:
        if payment.is_cancel_pending:
            return payment, False
        if payment.is_open:
            is_current = payment.amount == due and payment.provider == provider
            if is_current:
                _go_on(payment, attempt, count)
            return payment, is_current
    payment = Payment(
        reference=reference,
        open_reference=reference,
        customer=customer,
        provider=provider,
        amount_minor=due.minor,
        currency=due.currency,
        capture_method=conf.get_capture_method(),
        start_attempt=attempt,
    )
    count(payment)
    statements.insert(payment)
    return payment, True


def _go_on(payment: Payment, attempt: str, count: Callable[[Payment], list[str]]) -> None:
    changed = count(payment)
    if attempt:
        payment.start_attempt = attempt
        changed.append("start_attempt")
    if changed:
        statements.save(payment, *changed)


def _confirm(payment: Payment, payment_method: str, number: int) -> Payment:
    provider = get_provider(payment.provider)
    intent = str(payment.provider_reference)
    with flags_refusals(payment):
        try:
            state = provider.confirm(
                provider_reference=intent,
                payment_method=payment_method,
                idempotency_key=payment.key_for(f"payment-{payment.pk}-confirm-{number}"),
            )
        except UnexpectedState:
            # Somebody was faster: another request, the customer's browser, a cancellation.
            return apply_checked(payment, provider.retrieve(provider_reference=intent))
    payment = apply_checked(payment, state)
    if state.failure_code and state.status == Status.REQUIRES_PAYMENT_METHOD:
        raise CardDeclined(decline_code=state.failure_code, payment_id=payment.pk)
    return payment


def _count(payment_method: str | None, attempt_key: str | None, payment: Payment) -> list[str]:
    """Number this confirmation, if it is to be one; a repeat of the last request keeps its number.

    :return: the fields that were set.
    """
    if payment_method is None or payment.status not in _CONFIRMABLE:
        return []
    attempt = ""
    if attempt_key is not None:
        text = f"{attempt_key}:{payment_method}"
        attempt = hashlib.blake2b(text.encode(), digest_size=32).hexdigest()
    if attempt and attempt == payment.confirmation_attempt:
        return []
    payment.confirmations += 1
    payment.confirmation_attempt = attempt
    return ["confirmations", "confirmation_attempt"]
