"""Stolen cards are tried out at shops that let one try for ever: what was declined is counted.

For each account, each order and each card, whatever door the decline was told by. A card is known
by what the provider calls its fingerprint, so another name of the same card is no new one. Off
with RATE_LIMITS=off.

A card that is sent to us is counted before the provider is asked, by guarded UPDATEs, and given
back if it was not declined: of many at the same moment no more are asked about than may be
declined. What dies in between stays counted, and comes back with the time.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from payments.errors import CardDeclined, TooManyDeclines
from payments.models import Payment
from payments.providers import get_current_provider
from shop_backend.kernel import budgets, transactions
from shop_backend.kernel.budgets import Rate
from shop_backend.kernel.transactions import forbids_transaction, requires_transaction


@dataclass
class _Try:
    """What is counted already of the payment that this thread is about to ask for."""

    rates: Mapping[str, Rate]
    is_declined: bool = False


_counted: ContextVar[_Try | None] = ContextVar("counted", default=None)


@contextmanager
def one_try(*, customer_id: int, reference: str, payment_method: str | None) -> Iterator[None]:
    """Refuse a payment where too many were declined of late; else count it while it is made.

    Without a method the provider is told nothing that it could decline, so nothing is counted.

    :raises TooManyDeclines: of the account, the order or the card; the provider is not asked.
    """
    if not settings.RATE_LIMITS:
        yield
        return
    provider = get_current_provider()
    card = provider.get_card_fingerprint(payment_method=payment_method) if payment_method else ""
    rates = _rates(customer_id=customer_id, reference=reference, card=card, provider=provider.name)
    if payment_method is None:
        _refuse(rates)
        yield
        return
    _take(rates)
    attempt = _Try(rates)
    token = _counted.set(attempt)
    try:
        yield
    except CardDeclined:
        attempt.is_declined = True
        raise
    finally:
        _counted.reset(token)
        if not attempt.is_declined:
            transactions.run(partial(budgets.give_back_one_of_each, rates))


@forbids_transaction
def _take(rates: Mapping[str, Rate]) -> None:
    def take() -> None:
        if not budgets.take_one_of_each(rates):
            raise TooManyDeclines(seconds=max(budgets.seconds_until_there_is_one(rates), 1))

    transactions.run(take)


@forbids_transaction
def _refuse(rates: Mapping[str, Rate]) -> None:
    if seconds := budgets.seconds_until_there_is_one(rates):
        raise TooManyDeclines(seconds=seconds)


@requires_transaction
def count_decline(*, payment: Payment, card_fingerprint: str) -> None:
    """Count a decline that the provider told of, with the transaction that notes it.

    What ``one_try`` has counted before it asked stays counted, and is not counted again.
    """
    if not settings.RATE_LIMITS:
        return
    rates = _rates(
        customer_id=payment.customer_id,
        reference=payment.reference,
        card=card_fingerprint,
        provider=payment.provider,
    )
    counted: Mapping[str, Rate] = {}
    if (attempt := _counted.get()) is not None:
        attempt.is_declined, counted = True, attempt.rates
    for key, rate in sorted(rates.items()):  # one order for everyone: nobody waits in a circle
        if key in counted:
            continue
        budgets.spend(key, rate, store=budgets.IN_DATABASE)


def _rates(*, customer_id: int, reference: str, card: str, provider: str) -> Mapping[str, Rate]:
    limits = settings.THROTTLE_RATES
    rates = {
        f"declined account {customer_id}": Rate.parse(limits["declined_account"]),
        f"declined order {reference}": Rate.parse(limits["declined_order"]),
    }
    if card:
        rates[f"declined card {provider} {card}"] = Rate.parse(limits["declined_card"])
    return rates
