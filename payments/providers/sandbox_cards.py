"""The sandbox's payment methods: Stripe's test cards, by name and by number.

Names, numbers and outcomes are Stripe's (docs.stripe.com/testing), so that a client tried out
here behaves the same there.
"""

import hashlib
from dataclasses import dataclass

from payments.faults import Fault


@dataclass(frozen=True)
class SandboxCard:
    """What happens to whoever pays with it.

    ``decline_code`` empty: it pays. ``asks_customer``: the customer has to agree first (3-D
    Secure). ``refund_path``: the statuses its refunds go through. ``faults``: what goes wrong at
    the payment, ``refund_faults`` at its refunds.
    """

    payment_method: str
    number: str
    outcome: str
    decline_code: str = ""
    asks_customer: bool = False
    refund_path: tuple[str, ...] = ("succeeded",)
    faults: frozenset[Fault] = frozenset()
    refund_faults: frozenset[Fault] = frozenset()


CARDS = (
    SandboxCard("pm_card_visa", "4242424242424242", "Succeeds."),
    SandboxCard("pm_card_visa_debit", "4000056655665556", "Succeeds."),
    SandboxCard("pm_card_mastercard", "5555555555554444", "Succeeds."),
    SandboxCard("pm_card_amex", "378282246310005", "Succeeds."),
    SandboxCard("pm_card_chargeDeclined", "4000000000000002", "Declined.", "generic_decline"),
    SandboxCard(
        "pm_card_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        "Declined: insufficient funds.",
        "insufficient_funds",
    ),
    SandboxCard(
        "pm_card_chargeDeclinedLostCard", "4000000000009987", "Declined: lost.", "lost_card"
    ),
    SandboxCard(
        "pm_card_chargeDeclinedStolenCard", "4000000000009979", "Declined: stolen.", "stolen_card"
    ),
    SandboxCard(
        "pm_card_chargeDeclinedExpiredCard",
        "4000000000000069",
        "Declined: expired.",
        "expired_card",
    ),
    SandboxCard(
        "pm_card_chargeDeclinedIncorrectCvc",
        "4000000000000127",
        "Declined: wrong security code.",
        "incorrect_cvc",
    ),
    SandboxCard(
        "pm_card_chargeDeclinedProcessingError",
        "4000000000000119",
        "Declined: processing error.",
        "processing_error",
    ),
    SandboxCard(
        "pm_card_chargeCustomerFail", "4000000000000341", "Declined later.", "generic_decline"
    ),
    SandboxCard(
        "pm_card_authenticationRequired",
        "4000002760003184",
        "Asks the customer first: confirm twice.",
        asks_customer=True,
    ),
    SandboxCard(
        "pm_card_authenticationRequiredOnSetup",
        "4000002500003155",
        "Asks the customer first: confirm twice.",
        asks_customer=True,
    ),
    SandboxCard(
        "pm_card_threeDSecure2Required",
        "4000000000003220",
        "Asks the customer first: confirm twice.",
        asks_customer=True,
    ),
    SandboxCard(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        "Asks the customer first, then declines: insufficient funds.",
        "insufficient_funds",
        asks_customer=True,
    ),
    SandboxCard(
        "pm_card_pendingRefund",
        "4000000000007726",
        "Succeeds; its refunds are pending at first.",
        refund_path=("pending", "succeeded"),
    ),
    SandboxCard(
        "pm_card_refundFail",
        "4000000000005126",
        "Succeeds; its refunds fail after having succeeded.",
        refund_path=("succeeded", "failed"),
    ),
)


def _faulty(name: str, outcome: str, *faults: Fault, decline_code: str = "") -> SandboxCard:
    method = f"pm_sandbox_{name}"
    return SandboxCard(method, "", outcome, decline_code, faults=frozenset(faults))


def _faulty_refund(name: str, outcome: str, path: tuple[str, ...], *faults: Fault) -> SandboxCard:
    method = f"pm_sandbox_{name}"
    return SandboxCard(method, "", outcome, refund_path=path, refund_faults=frozenset(faults))


# Not Stripe's: what Stripe's test mode cannot be asked for. They have no number.
FAULTS = (
    _faulty("processing", "Processing; the webhook tells of success.", Fault.PROCESSING),
    _faulty(
        "processingDeclined",
        "Processing; the webhook tells of a decline.",
        Fault.PROCESSING,
        decline_code="generic_decline",
    ),
    _faulty("unreached", "503, nothing charged; the same again succeeds.", Fault.UNREACHED),
    _faulty("timeout", "Charged, then 503; the webhook tells.", Fault.TIMEOUT),
    _faulty(
        "timeoutWebhookLost",
        "Charged, then 503, and no webhook; the shop finds out by asking.",
        Fault.TIMEOUT,
        Fault.DROP,
    ),
    _faulty(
        "webhookTwice", "Processing; each webhook comes twice.", Fault.PROCESSING, Fault.DUPLICATE
    ),
    _faulty(
        "webhookOutOfOrder",
        "Processing; success is told before it.",
        Fault.PROCESSING,
        Fault.REORDER,
    ),
    _faulty(
        "webhookLate",
        "Processing; the webhooks come 10 seconds late.",
        Fault.PROCESSING,
        Fault.DELAY,
    ),
    _faulty(
        "webhookLost",
        "Processing; no webhook; the shop finds out by asking.",
        Fault.PROCESSING,
        Fault.DROP,
    ),
    _faulty(
        "wrongAmount",
        "Processing; the webhook tells of another amount: held for review.",
        Fault.PROCESSING,
        Fault.WRONG_AMOUNT,
    ),
    _faulty(
        "wrongCurrency",
        "Processing; the webhook tells of another currency: held for review.",
        Fault.PROCESSING,
        Fault.WRONG_CURRENCY,
    ),
    _faulty(
        "wrongReference",
        "Processing; the webhook tells of another order: held for review.",
        Fault.PROCESSING,
        Fault.WRONG_REFERENCE,
    ),
    _faulty_refund(
        "refundTimeout",
        "Succeeds; of its refunds the answer is lost at first.",
        ("succeeded",),
        Fault.TIMEOUT,
    ),
    _faulty_refund(
        "refundWebhookLost",
        "Succeeds; its refunds are pending, and no webhook tells of their end.",
        ("pending", "succeeded"),
        Fault.DROP,
    ),
)
_BY_NAME = {
    name: card for card in (*CARDS, *FAULTS) for name in (card.payment_method, card.number) if name
}
# Stripe knows the same card under two names.
_BY_NAME["pm_card_visa_chargeDeclined"] = _BY_NAME["pm_card_chargeDeclined"]


def fingerprint_of(card: SandboxCard) -> str:
    """Return what the sandbox calls this card, by whichever name or number it was sent."""
    return hashlib.blake2b(card.payment_method.encode(), digest_size=8).hexdigest()


def find(payment_method: str) -> SandboxCard | None:
    """Return the card of this name or number; spaces in a number do not count."""
    return _BY_NAME.get(payment_method.replace(" ", ""))
