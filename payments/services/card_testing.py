"""Stolen cards are tried out at shops that let one try for ever: what was declined is counted.

For each account, each order and each card, whatever door the decline was told by. A card is known
by what the provider calls its fingerprint, so another name of the same card is no new one. Off
with RATE_LIMITS=off.
"""

from collections.abc import Mapping

from django.conf import settings

from payments.errors import TooManyDeclines
from payments.models import Payment
from payments.providers import get_current_provider
from shop_backend.kernel import budgets
from shop_backend.kernel.budgets import Rate
from shop_backend.kernel.transactions import forbids_transaction, requires_transaction


@forbids_transaction
def refuse_card_testing(*, customer_id: int, reference: str, payment_method: str | None) -> None:
    """Refuse a payment where too many were declined of late; a few at the same moment may pass.

    :raises TooManyDeclines: of the account, the order or the card; the provider is not asked.
    """
    if not settings.RATE_LIMITS:
        return
    provider = get_current_provider()
    card = provider.get_card_fingerprint(payment_method=payment_method) if payment_method else ""
    seconds = budgets.seconds_until_there_is_one(
        _rates(customer_id=customer_id, reference=reference, card=card, provider=provider.name)
    )
    if seconds:
        raise TooManyDeclines(seconds=seconds)


@requires_transaction
def count_decline(*, payment: Payment, card_fingerprint: str) -> None:
    """Count a decline that the provider told of, with the transaction that notes it."""
    if not settings.RATE_LIMITS:
        return
    rates = _rates(
        customer_id=payment.customer_id,
        reference=payment.reference,
        card=card_fingerprint,
        provider=payment.provider,
    )
    for key, rate in sorted(rates.items()):  # one order for everyone: nobody waits in a circle
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
