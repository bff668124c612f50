"""The one small protocol that every payment provider is put behind.

Rules for all of them:

- Every method that talks to the provider forbids a transaction: it may take seconds.
- Every method that changes something there takes an idempotency key, derived from our own row
  and its random part (``payment-12-4f1d``, ``payment-12-confirm-1-4f1d``, ``refund-7-4f1d``).
  Asking again with the same key, after a crash or a lost answer, changes nothing twice.
- A call waits at most ``TIMEOUT_SECONDS``, is repeated at most ``RETRIES`` times with the same
  key, and then raises ``ProviderUnavailable``. What is left over is taken up by the next request
  for the same payment, by the provider's webhook, or by ``services.sync_open_payments``.
- What the provider will never do, whoever asks, is ``PaymentUnderReview`` with its ``reason``:
  the intent is not there, the key was used for another.
- A declined card is an answer (``failure_code``), not an exception.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

from shop_backend.kernel.money import Money

TIMEOUT_SECONDS = 10
RETRIES = 2
LISTED_REFUNDS = 100
_LARGEST = 2**63 - 1  # that a column holds
_LONGEST = 255


class UnexpectedState(Exception):
    """The object at the provider is in no state for this; ask for its state and go by that."""


class RefundRefused(Exception):
    """The provider will not refund this, now or later."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class IntentState:
    """What the provider says about one payment.

    ``version`` grows with every change: of two states of one intent the larger is the later.
    ``payment_id`` and ``reference`` are what we told the provider when it was made.
    """

    provider_reference: str
    status: str
    amount: Money
    captured: Money
    version: int
    client_secret: str = ""
    failure_code: str = ""
    next_action: Mapping[str, Any] | None = None
    payment_id: int | None = None
    reference: str = ""
    card_fingerprint: str = ""  # of the card that was declined, where the provider tells it

    def __post_init__(self) -> None:
        """Refuse what could not be kept.

        :raises ValueError: a number, a text or the next action is not of the kind it should be.
        """
        _require_fit(self.provider_reference, self.reference)
        _require_fit(self.version, self.amount.minor, self.captured.minor, self.payment_id or 0)
        if not isinstance(self.next_action, Mapping | None):
            raise ValueError("What to do next is an object.")


@dataclass(frozen=True)
class RefundState:
    """What the provider says about one refund: ``pending``, ``succeeded`` or ``failed``."""

    provider_reference: str
    intent_reference: str
    status: str
    amount: Money
    failure_code: str = ""
    refund_id: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be kept.

        :raises ValueError: a number or a text is not of the kind it should be.
        """
        _require_fit(self.provider_reference, self.intent_reference)
        _require_fit(self.amount.minor, self.refund_id or 0)


def _require_fit(*values: str | int) -> None:
    for value in values:
        fits = len(value) <= _LONGEST if isinstance(value, str) else 0 <= value <= _LARGEST
        if not fits:
            raise ValueError(f"{value!r:.40} is too large to be kept.")


@dataclass(frozen=True)
class ProviderNews:
    """A webhook whose signature was right. Without a state it is of no interest to us."""

    event_id: str
    kind: str
    intent: IntentState | None = None
    refund: RefundState | None = None

    def to_payload(self) -> dict[str, Any]:
        """Return it as JSON to keep; the client's secret is left out."""
        intent = replace(self.intent, client_secret="") if self.intent else None  # nosec B106
        return asdict(replace(self, intent=intent))

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """Read what ``to_payload`` wrote."""
        intent, refund = payload["intent"], payload["refund"]
        if intent is not None:
            amount, captured = Money(**intent["amount"]), Money(**intent["captured"])
            intent = IntentState(**{**intent, "amount": amount, "captured": captured})
        if refund is not None:
            refund = RefundState(**{**refund, "amount": Money(**refund["amount"])})
        return cls(payload["event_id"], payload["kind"], intent, refund)


class PaymentProvider(Protocol):
    """Somebody who collects money for the shop."""

    name: str
    # The request header that carries the signature of a webhook.
    signature_header: str

    def get_card_fingerprint(self, *, payment_method: str) -> str:
        """Return what one card is called whatever name it is sent under; empty where unknown."""
        ...

    def create_intent(
        self,
        *,
        amount: Money,
        payment_id: int,
        reference: str,
        capture_method: str,
        idempotency_key: str,
    ) -> IntentState:
        """Announce a payment; nothing is collected yet.

        :raises AmountNotPayable: the provider collects more than that, or less.
        """
        ...

    def confirm(
        self, *, provider_reference: str, payment_method: str, idempotency_key: str
    ) -> IntentState:
        """Try to collect.

        :raises InvalidPaymentMethod: the provider does not know this method.
        :raises UnexpectedState: it was collected or canceled before.
        """
        ...

    def retrieve(self, *, provider_reference: str) -> IntentState:
        """Return how the payment stands."""
        ...

    def capture(self, *, provider_reference: str, idempotency_key: str) -> IntentState:
        """Collect all that was authorised.

        :raises UnexpectedState: nothing is authorised.
        """
        ...

    def cancel(self, *, provider_reference: str, idempotency_key: str) -> IntentState:
        """Give up what was not collected; an authorisation is voided.

        :raises UnexpectedState: it was collected or canceled before, or is being worked on.
        """
        ...

    def refund(
        self, *, provider_reference: str, amount: Money, refund_id: int, idempotency_key: str
    ) -> RefundState:
        """Send money back.

        :raises RefundRefused: more than was collected, or the provider forbids it.
        """
        ...

    def list_refunds(self, *, provider_reference: str) -> list[RefundState]:
        """Return how the latest refunds of a payment stand, at most ``LISTED_REFUNDS``."""
        ...

    def parse_webhook(self, *, body: bytes, signature: str) -> ProviderNews:
        """Check the signature over the raw body and return what it says.

        :raises InvalidSignature: it is not from the provider, or too old.
        :raises MalformedWebhook: it is signed, and yet not readable.
        """
        ...
