"""The built-in provider: no money, Stripe's life cycle, Stripe's test cards.

It behaves as if it were somebody else's system: tables and transactions of its own, idempotency
keys that refuse other parameters, no refund beyond what was captured, and signed webhooks that
come after the fact. They leave as outbox rows (``payments.sandbox_webhook``). What is to go
wrong, and where, says ``sandbox_faults``.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from django.utils.crypto import salted_hmac

from payments.errors import (
    InvalidPaymentMethod,
    MalformedWebhook,
    PaymentUnderReview,
    ProviderUnavailable,
)
from payments.faults import Fault
from payments.models import Payment, SandboxEvent, SandboxIntent, SandboxRefund, SandboxRequest
from payments.providers import sandbox_cards, signatures
from payments.providers.base import (
    LISTED_REFUNDS,
    IntentState,
    ProviderNews,
    RefundRefused,
    RefundState,
    UnexpectedState,
)
from payments.providers.sandbox_cards import SandboxCard
from payments.providers.sandbox_faults import DELAY, is_drawn, may_be_drawn
from shop_backend.kernel import jsontext, outbox, statements, transactions
from shop_backend.kernel.inserting import insert_if_new
from shop_backend.kernel.models import OutboxMessage
from shop_backend.kernel.money import Money

WEBHOOK_KIND = "payments.sandbox_webhook"
NEXT_ACTION = {
    "type": "confirm_again",
    "message": "The customer has to agree: send the request once more, with a new key if any.",
}
Status = Payment.Status
_CONFIRMABLE = {Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_ACTION}
_CANCELABLE = {*_CONFIRMABLE, Status.REQUIRES_CAPTURE}

Object = dict[str, Any]
LOST = "answer_is_lost"  # in an answer that nobody is to receive


class SandboxProvider:
    """See ``PaymentProvider``."""

    name = "sandbox"
    signature_header = "Sandbox-Signature"

    def get_card_fingerprint(self, *, payment_method: str) -> str:
        card = sandbox_cards.find(payment_method)
        return sandbox_cards.fingerprint_of(card) if card else ""

    @transactions.forbids_transaction
    def create_intent(
        self,
        *,
        amount: Money,
        payment_id: int,
        reference: str,
        capture_method: str,
        idempotency_key: str,
    ) -> IntentState:
        metadata = {"payment_id": str(payment_id), "reference": reference}
        parameters = [amount.minor, amount.currency, capture_method, metadata]

        def create() -> Object:
            intent_id = f"pi_sandbox_{secrets.token_hex(12)}"
            intent = SandboxIntent(
                intent_id=intent_id,
                client_secret=f"{intent_id}_secret_{secrets.token_hex(12)}",
                status=Status.REQUIRES_PAYMENT_METHOD,
                amount_minor=amount.minor,
                currency=amount.currency,
                capture_method=capture_method,
                metadata=metadata,
            )
            statements.insert(intent)
            return _tell(intent, "payment_intent.created")

        return _intent_state(_once(idempotency_key, ["create", *parameters], create))

    @transactions.forbids_transaction
    def confirm(
        self, *, provider_reference: str, payment_method: str, idempotency_key: str
    ) -> IntentState:
        card = sandbox_cards.find(payment_method)
        if card is None:
            raise InvalidPaymentMethod
        if _is_unreached(provider_reference, card):
            raise ProviderUnavailable
        parameters = ["confirm", provider_reference, card.payment_method]
        confirm = partial(_confirm, provider_reference, card)
        return _intent_state(_once(idempotency_key, parameters, confirm))

    @transactions.forbids_transaction
    def retrieve(self, *, provider_reference: str) -> IntentState:
        return _intent_state(
            _object(_found(statements.fetch(SandboxIntent, intent_id=provider_reference)))
        )

    @transactions.forbids_transaction
    def capture(self, *, provider_reference: str, idempotency_key: str) -> IntentState:
        def capture() -> Object:
            intent = _lock(provider_reference, {Status.REQUIRES_CAPTURE})
            return _collect(intent)

        return _intent_state(_once(idempotency_key, ["capture", provider_reference], capture))

    @transactions.forbids_transaction
    def cancel(self, *, provider_reference: str, idempotency_key: str) -> IntentState:
        def cancel() -> Object:
            intent = _lock(provider_reference, _CANCELABLE)
            return _move(intent, Status.CANCELED, "payment_intent.canceled")

        return _intent_state(_once(idempotency_key, ["cancel", provider_reference], cancel))

    @transactions.forbids_transaction
    def refund(
        self, *, provider_reference: str, amount: Money, refund_id: int, idempotency_key: str
    ) -> RefundState:
        metadata = {"refund_id": str(refund_id)}
        parameters = ["refund", provider_reference, amount.minor, amount.currency, metadata]
        refund = partial(_refund, provider_reference, amount, metadata)
        return _refund_state(_once(idempotency_key, parameters, refund))

    @transactions.forbids_transaction
    def list_refunds(self, *, provider_reference: str) -> list[RefundState]:
        refunds = SandboxRefund.objects.filter(intent__intent_id=provider_reference)
        latest = refunds.select_related("intent").order_by("-pk")[:LISTED_REFUNDS]
        return [_refund_state(_refund_object(refund, refund.status)) for refund in latest]

    def parse_webhook(self, *, body: bytes, signature: str) -> ProviderNews:
        signatures.check(signature, body, secret=webhook_secret())
        try:
            return _read_news(orjson.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedWebhook from error


def webhook_secret() -> str:
    """Return what the sandbox signs with; it is made from the shop's own secret key."""
    return "whsec_" + salted_hmac("payments.sandbox", "webhooks", algorithm="sha256").hexdigest()


def signed_event(event_id: str) -> tuple[bytes, str]:
    """Return body and signature of an event, as the sandbox sends them."""
    (event,) = statements.fetch(SandboxEvent, event_id=event_id)
    body = jsontext.dumps(event.payload)
    return body, signatures.sign(body, secret=webhook_secret())


def _once(key: str, parameters: list[Any], effect: Callable[[], Object]) -> Object:
    """Do it in a transaction together with the key, or give the key's first answer again.

    :raises ProviderUnavailable: it was done, and the answer is lost on purpose, the first time.
    """
    digest = hashlib.blake2b(jsontext.dumps_sorted(parameters), digest_size=32).hexdigest()

    def work() -> tuple[Object, bool]:
        request = SandboxRequest(key=key, fingerprint=digest)
        if not insert_if_new(request):
            (request,) = statements.lock(SandboxRequest, key=key)
        if request.fingerprint != digest:
            raise RuntimeError(f"The idempotency key {key} was used with other parameters.")
        if request.answer is not None:
            return request.answer, False
        answer = effect()
        is_lost = bool(answer.pop(LOST, False)) or is_drawn(Fault.TIMEOUT, request.pk)
        request.answer = answer
        statements.save(request, "answer")
        return answer, is_lost

    answer, is_lost = transactions.run(work)
    if is_lost:
        raise ProviderUnavailable
    return answer


def _is_unreached(intent_id: str, card: SandboxCard) -> bool:
    """Return whether the request gets lost on its way: each card's first, if it is to."""
    if Fault.UNREACHED not in card.faults and not may_be_drawn(Fault.UNREACHED):
        return False

    def work() -> bool:
        intent = _locked(intent_id)
        is_to_be = Fault.UNREACHED in card.faults or is_drawn(Fault.UNREACHED, intent.pk)
        if not is_to_be or intent.card == card.payment_method:
            return False
        intent.card = card.payment_method
        intent.save(update_fields=["card"])
        return True

    return transactions.run(work)


def _found(intents: Sequence[SandboxIntent]) -> SandboxIntent:
    if not intents:
        raise PaymentUnderReview(reason="resource_missing")
    return intents[0]


def _locked(intent_id: str) -> SandboxIntent:
    return _found(statements.lock(SandboxIntent, intent_id=intent_id))


def _lock(intent_id: str, wanted: set[Status]) -> SandboxIntent:
    intent = _locked(intent_id)
    if intent.status not in wanted:
        raise UnexpectedState(f"{intent_id} is {intent.status}")
    return intent


def _confirm(intent_id: str, card: SandboxCard) -> Object:
    intent = _lock(intent_id, _CONFIRMABLE)
    place = (intent.pk, intent.version)
    has_asked = intent.status == Status.REQUIRES_ACTION and intent.card == card.payment_method
    intent.card, intent.failure_code = card.payment_method, ""
    if not has_asked and (card.asks_customer or is_drawn(Fault.ACTION, intent.pk)):
        return _move(intent, Status.REQUIRES_ACTION, "payment_intent.requires_action")
    is_processing = Fault.PROCESSING in card.faults or is_drawn(Fault.PROCESSING, *place)
    answer = None
    if is_processing:
        # What follows has happened when the answer is read, and is told by the webhook alone.
        answer = _move(intent, Status.PROCESSING, "payment_intent.processing")
    is_declined = is_drawn(Fault.DECLINE, *place)
    end = _finish(intent, card.decline_code or ("generic_decline" if is_declined else ""))
    answer = answer or end
    return answer | {LOST: True} if Fault.TIMEOUT in card.faults else answer


def _finish(intent: SandboxIntent, decline_code: str) -> Object:
    if decline_code:
        intent.failure_code = decline_code
        return _move(intent, Status.REQUIRES_PAYMENT_METHOD, "payment_intent.payment_failed")
    if intent.capture_method == Payment.CaptureMethod.MANUAL:
        kind = "payment_intent.amount_capturable_updated"
        return _move(intent, Status.REQUIRES_CAPTURE, kind)
    return _collect(intent)


def _collect(intent: SandboxIntent) -> Object:
    intent.captured_minor = intent.amount_minor
    return _move(intent, Status.SUCCEEDED, "payment_intent.succeeded")


def _move(intent: SandboxIntent, status: Status, kind: str) -> Object:
    intent.status = status
    intent.version += 1
    statements.save(intent, "status", "version", "card", "failure_code", "captured_minor")
    return _tell(intent, kind)


def _refund(intent_id: str, amount: Money, metadata: Mapping[str, str]) -> Object:
    intent = SandboxIntent.objects.select_for_update().filter(intent_id=intent_id).first()
    if intent is None:
        raise RefundRefused("resource_missing")
    left = intent.captured_minor - intent.refunded_minor
    if amount.currency != intent.currency or amount.minor > left:
        raise RefundRefused("charge_already_refunded" if left == 0 else "amount_too_large")
    card = sandbox_cards.find(intent.card)
    path = card.refund_path if card else ("succeeded",)
    faults = card.refund_faults if card else frozenset()
    if path[-1] != "failed":
        intent.refunded_minor += amount.minor
        intent.save(update_fields=["refunded_minor"])
    refund = SandboxRefund.objects.create(
        refund_id=f"re_sandbox_{secrets.token_hex(12)}",
        intent=intent,
        status=path[-1],
        amount_minor=amount.minor,
        metadata=dict(metadata),
    )
    answer = _refund_object(refund, path[0])
    _send("refund.created", answer, faults)
    if len(path) > 1:
        kind = "refund.failed" if path[-1] == "failed" else "refund.updated"
        _send(kind, _refund_object(refund, path[-1]), faults)
    return answer | {LOST: True} if Fault.TIMEOUT in faults else answer


def _tell(intent: SandboxIntent, kind: str) -> Object:
    answer = _object(intent)
    card = sandbox_cards.find(intent.card)
    is_end = intent.status != Status.PROCESSING
    faults = set(card.faults) if card else set()
    if is_end:  # what comes out of order is what had come before
        faults.discard(Fault.REORDER)
    _send(kind, _distorted(answer, faults) if is_end else answer, faults)
    return answer


def _distorted(answer: Object, faults: Collection[Fault]) -> Object:
    """Return what a webhook says that has something wrong in it."""
    if Fault.WRONG_AMOUNT in faults:
        return answer | {"amount": answer["amount"] + 1}
    if Fault.WRONG_CURRENCY in faults:
        return answer | {"currency": "sek" if answer["currency"] != "sek" else "nok"}
    if Fault.WRONG_REFERENCE in faults:
        return answer | {"metadata": answer["metadata"] | {"reference": "R000000000000"}}
    return answer


def _send(kind: str, what: Object, faults: Collection[Fault]) -> None:
    event_id = f"evt_sandbox_{secrets.token_hex(12)}"
    payload = {"id": event_id, "object": "event", "type": kind, "data": {"object": what}}
    event = SandboxEvent(event_id=event_id, kind=kind, payload=payload)
    statements.insert(event)

    def happens(fault: Fault) -> bool:
        return fault in faults or is_drawn(fault, event.pk)

    if happens(Fault.DROP):
        return
    is_late = happens(Fault.DELAY) or happens(Fault.REORDER)
    for _ in range(2 if happens(Fault.DUPLICATE) else 1):
        message = outbox.put(WEBHOOK_KIND, {"event_id": event_id})
        if is_late:
            due = message.created_at + DELAY
            OutboxMessage.objects.filter(pk=message.pk).update(next_attempt_at=due)


def _object(intent: SandboxIntent) -> Object:
    is_asking = intent.status == Status.REQUIRES_ACTION
    error: Object | None = None
    if intent.failure_code:
        card = sandbox_cards.find(intent.card)
        fingerprint = sandbox_cards.fingerprint_of(card) if card else ""
        method = {"type": "card", "card": {"fingerprint": fingerprint}}
        error = {"decline_code": intent.failure_code, "payment_method": method}
    return {
        "id": intent.intent_id,
        "object": "payment_intent",
        "status": str(intent.status),
        "amount": intent.amount_minor,
        "amount_received": intent.captured_minor,
        "currency": intent.currency.lower(),
        "client_secret": intent.client_secret,
        "last_payment_error": error,
        "next_action": NEXT_ACTION if is_asking else None,
        "metadata": intent.metadata,
        "version": intent.version,
    }


def _refund_object(refund: SandboxRefund, status: str) -> Object:
    return {
        "id": refund.refund_id,
        "object": "refund",
        "payment_intent": refund.intent.intent_id,
        "status": status,
        "amount": refund.amount_minor,
        "currency": refund.intent.currency.lower(),
        "failure_reason": "declined" if status == "failed" else "",
        "metadata": refund.metadata,
    }


def _intent_state(what: Object) -> IntentState:
    currency = what["currency"].upper()
    error = what["last_payment_error"] or {}
    return IntentState(
        provider_reference=what["id"],
        status=Status(what["status"]).value,
        amount=Money(what["amount"], currency),
        captured=Money(what["amount_received"], currency),
        version=int(what["version"]),
        client_secret=what["client_secret"],
        failure_code=error.get("decline_code", ""),
        next_action=what["next_action"],
        payment_id=int(what["metadata"]["payment_id"]),
        reference=what["metadata"]["reference"],
        card_fingerprint=error.get("payment_method", {}).get("card", {}).get("fingerprint", ""),
    )


def _refund_state(what: Object) -> RefundState:
    refund_id = what["metadata"].get("refund_id")
    return RefundState(
        provider_reference=what["id"],
        intent_reference=what["payment_intent"],
        status=what["status"],
        amount=Money(what["amount"], what["currency"].upper()),
        failure_code=what["failure_reason"],
        refund_id=int(refund_id) if refund_id else None,
    )


def _read_news(event: Object) -> ProviderNews:
    kind, what = str(event["type"]), event["data"]["object"]
    intent = _intent_state(what) if kind.startswith("payment_intent.") else None
    refund = _refund_state(what) if kind.startswith("refund.") else None
    return ProviderNews(str(event["id"]), kind, intent, refund)
