"""Stripe, through its official SDK (docs.stripe.com/api/payment_intents).

``version`` of a state is Stripe's own clock in seconds: the ``Date`` of an answer, the
``created`` of an event. An answer that Stripe replays for a key is an old one; then the present
state is asked for instead. No card number is ever sent from here: only names of payment methods.
"""

import logging
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import orjson
import stripe
from django.conf import settings

from payments.errors import (
    AmountNotPayable,
    InvalidPaymentMethod,
    InvalidSignature,
    MalformedWebhook,
    PaymentUnderReview,
    ProviderUnavailable,
)
from payments.models import Payment, Refund
from payments.providers.base import (
    LISTED_REFUNDS,
    RETRIES,
    TIMEOUT_SECONDS,
    IntentState,
    ProviderNews,
    RefundRefused,
    RefundState,
    UnexpectedState,
)
from payments.providers.sandbox_faults import FAULT_PREFIX
from shop_backend.kernel.money import Money
from shop_backend.kernel.transactions import forbids_transaction

logger = logging.getLogger(__name__)
R = TypeVar("R")
Object = Mapping[str, Any]

# Stripe counts these in hundredths although they have no decimals
# (docs.stripe.com/currencies#special-cases).
_IN_HUNDREDTHS = {"ISK", "UGX"}
_METHOD_PREFIXES = ("pm_", "card_", "src_")
_OWN_STATUSES = {"requires_confirmation": Payment.Status.REQUIRES_PAYMENT_METHOD}
_REFUND_STATUSES = {
    "succeeded": Refund.Status.SUCCEEDED,
    "failed": Refund.Status.FAILED,
    "canceled": Refund.Status.FAILED,
}
# Somebody else holds the key or the object for the moment; nothing is wrong with the request.
_BUSY_CODES = {"idempotency_key_in_use", "lock_timeout"}
_AMOUNT_CODES = {"amount_too_small", "amount_too_large"}


class StripeProvider:
    """See ``PaymentProvider``."""

    name = "stripe"
    signature_header = "Stripe-Signature"

    def __init__(self, http_client: stripe.HTTPClient | None = None) -> None:
        self._client = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {},
            max_network_retries=RETRIES,
            http_client=http_client or stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )

    @forbids_transaction
    def get_card_fingerprint(self, *, payment_method: str) -> str:
        if not payment_method.startswith(_METHOD_PREFIXES):
            return ""
        try:
            found = _ask(lambda: self._client.v1.payment_methods.retrieve(payment_method))
        except (ProviderUnavailable, stripe.StripeError):
            return ""  # then the decline is counted by what the decline itself tells
        return _fingerprint(found.to_dict())

    @forbids_transaction
    def create_intent(
        self,
        *,
        amount: Money,
        payment_id: int,
        reference: str,
        capture_method: str,
        idempotency_key: str,
    ) -> IntentState:
        is_manual = capture_method == Payment.CaptureMethod.MANUAL
        intents = self._client.v1.payment_intents
        try:
            return self._intent(
                # Written out in the call, so that mypy holds it against Stripe's own types.
                lambda: intents.create(
                    {
                        "amount": _to_stripe(amount),
                        "currency": amount.currency.lower(),
                        "capture_method": "manual" if is_manual else "automatic",
                        "metadata": {"payment_id": str(payment_id), "reference": reference},
                        # A redirect would need an address of the SPA to come back to.
                        "automatic_payment_methods": {
                            "enabled": True,
                            "allow_redirects": "never",
                        },
                    },
                    {"idempotency_key": idempotency_key},
                )
            )
        except PaymentUnderReview as refusal:
            if refusal.params["reason"] in _AMOUNT_CODES:
                raise AmountNotPayable(amount=str(amount)) from refusal
            raise

    @forbids_transaction
    def confirm(
        self, *, provider_reference: str, payment_method: str, idempotency_key: str
    ) -> IntentState:
        # The sandbox's faults are for the sandbox; here they would be somebody's typing error.
        is_fault = payment_method.startswith(FAULT_PREFIX)
        if is_fault or not payment_method.startswith(_METHOD_PREFIXES):
            raise InvalidPaymentMethod
        intents = self._client.v1.payment_intents
        params: Any = {"payment_method": payment_method}

        def confirm() -> stripe.PaymentIntent:
            try:
                return intents.confirm(provider_reference, params, _key(idempotency_key))
            except stripe.CardError:
                return intents.retrieve(provider_reference)

        return self._intent(confirm)

    @forbids_transaction
    def retrieve(self, *, provider_reference: str) -> IntentState:
        return self._intent(lambda: self._client.v1.payment_intents.retrieve(provider_reference))

    @forbids_transaction
    def capture(self, *, provider_reference: str, idempotency_key: str) -> IntentState:
        intents = self._client.v1.payment_intents
        return self._intent(
            lambda: intents.capture(provider_reference, {}, {"idempotency_key": idempotency_key})
        )

    @forbids_transaction
    def cancel(self, *, provider_reference: str, idempotency_key: str) -> IntentState:
        intents = self._client.v1.payment_intents
        return self._intent(
            lambda: intents.cancel(provider_reference, {}, {"idempotency_key": idempotency_key})
        )

    @forbids_transaction
    def refund(
        self, *, provider_reference: str, amount: Money, refund_id: int, idempotency_key: str
    ) -> RefundState:
        refunds = self._client.v1.refunds
        try:
            made = _ask(
                lambda: refunds.create(
                    {
                        "payment_intent": provider_reference,
                        "amount": _to_stripe(amount),
                        "metadata": {"refund_id": str(refund_id)},
                    },
                    {"idempotency_key": idempotency_key},
                )
            )
        except stripe.StripeError as error:
            raise RefundRefused(_refusal_code(error)) from error
        return _refund_state(made.to_dict())

    @forbids_transaction
    def list_refunds(self, *, provider_reference: str) -> list[RefundState]:
        refunds = self._client.v1.refunds
        wanted: Any = {"payment_intent": provider_reference, "limit": LISTED_REFUNDS}
        try:
            found = _ask(lambda: refunds.list(wanted))
        except stripe.StripeError as error:
            raise PaymentUnderReview(reason=_refusal_code(error)) from error
        return [_refund_state(refund.to_dict()) for refund in found.data]

    def parse_webhook(self, *, body: bytes, signature: str) -> ProviderNews:
        secret = settings.STRIPE_WEBHOOK_SECRET
        try:
            # The SDK compares the header as text, which it cannot do with other characters.
            if not secret or not signature.isascii():
                raise InvalidSignature
            stripe.WebhookSignature.verify_header(
                body.decode(), signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise InvalidSignature from error
        try:
            return _news(orjson.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedWebhook from error

    def _intent(self, call: Callable[[], stripe.PaymentIntent]) -> IntentState:
        try:
            intent = _ask(call)
        except stripe.StripeError as error:
            if error.code == "payment_intent_unexpected_state":
                raise UnexpectedState(str(error.code)) from error
            if isinstance(error, stripe.InvalidRequestError) and error.param == "payment_method":
                raise InvalidPaymentMethod from error
            # Asking again will not help: the intent is gone, the key was used for another.
            raise PaymentUnderReview(reason=_refusal_code(error)) from error
        headers = intent.last_response.headers if intent.last_response else {}
        if headers.get("idempotent-replayed") == "true":
            return self.retrieve(provider_reference=intent.id)
        said_at = int(parsedate_to_datetime(headers["date"]).timestamp())
        return _intent_state(intent.to_dict(), version=said_at)


def _ask(call: Callable[[], R]) -> R:
    """Make the call; whatever may pass by itself is ``ProviderUnavailable``."""
    try:
        return call()
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise ProviderUnavailable from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        logger.error("Stripe refuses this shop's key: %s", error.code)
        raise ProviderUnavailable from error
    except stripe.StripeError as error:
        if error.code in _BUSY_CODES:
            raise ProviderUnavailable from error
        raise


def _refusal_code(error: stripe.StripeError) -> str:
    if error.code == "resource_missing":
        return "unknown_intent"  # another account's key is set, or test and live were mixed
    fallback = "idempotency_error" if isinstance(error, stripe.IdempotencyError) else "refused"
    return str(error.code or fallback)[:64]


def _key(idempotency_key: str) -> Any:
    return {"idempotency_key": idempotency_key}


def _to_stripe(amount: Money) -> int:
    return amount.minor * 100 if amount.currency in _IN_HUNDREDTHS else amount.minor


def _from_stripe(number: int, currency: str) -> Money:
    currency = currency.upper()
    return Money(number // 100 if currency in _IN_HUNDREDTHS else number, currency)


def _intent_state(intent: Object, *, version: int) -> IntentState:
    status = str(intent["status"])
    metadata = intent.get("metadata") or {}
    payment_id = str(metadata.get("payment_id", ""))
    error = intent.get("last_payment_error") or {}
    is_declined = status == Payment.Status.REQUIRES_PAYMENT_METHOD
    return IntentState(
        provider_reference=str(intent["id"]),
        status=Payment.Status(_OWN_STATUSES.get(status, status)).value,
        amount=_from_stripe(intent["amount"], intent["currency"]),
        captured=_from_stripe(intent.get("amount_received") or 0, intent["currency"]),
        version=version,
        client_secret=str(intent.get("client_secret") or ""),
        failure_code=_failure_code(error) if is_declined else "",
        next_action=intent.get("next_action"),
        payment_id=int(payment_id) if _is_id(payment_id) else None,
        reference=str(metadata.get("reference", "")),
        card_fingerprint=_fingerprint(error.get("payment_method")) if is_declined else "",
    )


def _fingerprint(method: Object | None) -> str:
    card = (method or {}).get("card") or {}
    return str(card.get("fingerprint") or "")[:32]


def _failure_code(error: Object | None) -> str:
    if not error:
        return ""
    return str(error.get("decline_code") or error.get("code") or "declined")[:64]


def _refund_state(refund: Object) -> RefundState:
    refund_id = str((refund.get("metadata") or {}).get("refund_id", ""))
    return RefundState(
        provider_reference=str(refund["id"]),
        intent_reference=str(refund.get("payment_intent") or ""),
        status=_REFUND_STATUSES.get(refund["status"], Refund.Status.PENDING).value,
        amount=_from_stripe(refund["amount"], refund["currency"]),
        failure_code=str(refund.get("failure_reason") or "")[:64],
        refund_id=int(refund_id) if _is_id(refund_id) else None,
    )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _news(event: Object) -> ProviderNews:
    kind, what = str(event["type"]), event["data"]["object"]
    intent = refund = None
    if what.get("object") == "payment_intent":
        intent = _intent_state(what, version=int(event["created"]))
    elif what.get("object") == "refund":
        refund = _refund_state(what)
    return ProviderNews(str(event["id"]), kind, intent, refund)
