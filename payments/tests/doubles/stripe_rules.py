"""Stripe's rules for PaymentIntents, refunds and events, as its documentation states them.

Written from docs.stripe.com/api (version 2026-10-28.endive), apart from the shop's own sandbox and
without Stripe's SDK, so that three readings of one page have to agree. It is stricter than Stripe
where that catches a mistake of ours: it knows no parameter that the shop does not send.
"""

import hashlib
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

API_VERSION = "2026-10-28.endive"
# docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
MINIMUM = {"gbp": 30, "eur": 50, "usd": 50, "jpy": 50, "isk": 10_000}
MAXIMUM = 99_999_999
DECLINES = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
}
ASKING = {"pm_card_authenticationRequired", "pm_card_threeDSecure2Required"}
PAYING = {"pm_card_visa", "pm_card_mastercard", "pm_card_pendingRefund", "pm_card_refundFail"}
CONFIRMABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}
CANCELABLE = {*CONFIRMABLE, "requires_capture", "processing"}
REFUND_REASONS = {"duplicate", "fraudulent", "requested_by_customer"}

Params = dict[str, Any]


class Refusal(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, kind: str = "invalid_request_error", **fields: Any) -> None:
        self.status = status
        self.body = {"error": {"type": kind, "message": "Refused.", **fields}}
        super().__init__(fields.get("code", kind))


@dataclass
class Account:
    """One account at Stripe, with all that ever happened in it."""

    intents: dict[str, Params] = field(default_factory=dict)
    refunds: dict[str, Params] = field(default_factory=dict)
    events: list[Params] = field(default_factory=list)
    # How often a card was charged or money was sent back: what no retry may do twice.
    movements: list[tuple[str, str, int]] = field(default_factory=list)
    _answers: dict[str, tuple[Any, int, Params]] = field(default_factory=dict)
    _cards: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def answer(
        self, method: str, path: str, params: Params, key: str | None
    ) -> tuple[int, Params, bool]:
        """Return status, body and whether it is the replay of an earlier answer."""
        with self._lock:
            if method != "POST" or key is None:
                return *self._attempt(method, path, params), False
            asked = (path, json.dumps(params, sort_keys=True))
            if key in self._answers:
                before, status, body = self._answers[key]
                if before != asked:
                    refusal = Refusal(400, "idempotency_error")
                    return refusal.status, refusal.body, False
                return status, body, True
            status, body = self._attempt(method, path, params)
            # Stripe keeps an answer once the request was begun, not when it was malformed.
            if status not in {400, 401, 404}:
                self._answers[key] = asked, status, json.loads(json.dumps(body))
            return status, body, False

    def authenticate(self, intent_id: str, *, agrees: bool) -> None:
        """Do what the customer's browser does in 3-D Secure: agree, or fail to."""
        with self._lock:
            intent = self.intents[intent_id]
            assert intent["status"] == "requires_action"
            intent["next_action"] = None
            if agrees:
                self._charge(intent)
                return
            self._decline(intent, "payment_intent_authentication_failure", None)

    def settle_refund(self, refund_id: str, *, status: str) -> None:
        """Let the bank have the last word on a refund: ``succeeded`` or ``failed``."""
        with self._lock:
            refund = self.refunds[refund_id]
            refund["status"] = status
            if status == "failed":
                refund["failure_reason"] = "expired_or_canceled_card"
            self.tell("refund.updated", refund)

    def tell(self, kind: str, what: Mapping[str, Any]) -> Params:
        """Make an event with the object as it is now."""
        event = {
            "id": f"evt_{next(self._numbers)}{secrets.token_hex(4)}",
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "livemode": False,
            "pending_webhooks": 1,
            "type": kind,
            "data": {"object": json.loads(json.dumps(what))},
        }
        self.events.append(event)
        return event

    def _attempt(self, method: str, path: str, params: Params) -> tuple[int, Params]:
        try:
            return 200, self._find(method, path)(params)
        except Refusal as refusal:
            return refusal.status, refusal.body

    def _find(self, method: str, path: str) -> Callable[[Params], Params]:
        one = {
            ("POST", "payment_intents"): self._create_intent,
            ("POST", "refunds"): self._create_refund,
            ("GET", "refunds"): self._list_refunds,
            ("GET", "events"): self._list_events,
        }
        actions = {"confirm": self._confirm, "capture": self._capture, "cancel": self._cancel}
        kind, *rest = path.removeprefix("/v1/").split("/")
        if not rest and (method, kind) in one:
            return one[method, kind]
        if method == "GET" and len(rest) == 1 and kind in {"payment_intents", "refunds"}:
            rows = self.intents if kind == "payment_intents" else self.refunds
            return partial(self._retrieve, rows, rest[0])
        if method == "GET" and kind == "payment_methods" and len(rest) == 1:
            return partial(self._retrieve_method, rest[0])
        if method == "POST" and kind == "payment_intents" and rest[-1] in actions:
            act = actions[rest[-1]]
            return lambda params: act(_known(self.intents, rest[0], "intent"), params)
        raise Refusal(404, code="unrecognized_url")

    def _retrieve(self, rows: dict[str, Params], name: str, params: Params) -> Params:
        _allowed(params)
        return _known(rows, name, "intent")

    def _retrieve_method(self, name: str, params: Params) -> Params:
        _allowed(params)
        if name not in PAYING | ASKING | DECLINES.keys():
            raise Refusal(404, code="resource_missing", param="payment_method")
        return _method(name)

    def _list_events(self, params: Params) -> Params:
        _allowed(params)
        return {
            "object": "list",
            "url": "/v1/events",
            "has_more": False,
            "data": self.events[::-1],
        }

    # --- intents ---

    def _create_intent(self, params: Params) -> Params:
        _allowed(
            params, "amount", "currency", "capture_method", "metadata", "automatic_payment_methods"
        )
        currency = _required(params, "currency")
        if currency not in MINIMUM:
            raise Refusal(400, code="invalid_currency", param="currency")
        amount = _amount(params, "amount")
        if amount < MINIMUM[currency]:
            raise Refusal(400, code="amount_too_small", param="amount")
        if amount > MAXIMUM:
            raise Refusal(400, code="amount_too_large", param="amount")
        capture = params.get("capture_method", "automatic")
        if capture not in {"automatic", "automatic_async", "manual"}:
            raise Refusal(400, code="parameter_invalid", param="capture_method")
        name = f"pi_{next(self._numbers)}{secrets.token_hex(8)}"
        intent: Params = {
            "id": name,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": _automatic(params),
            "canceled_at": None,
            "capture_method": capture,
            "client_secret": f"{name}_secret_{secrets.token_hex(8)}",
            "created": int(time.time()),
            "currency": currency,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": _metadata(params),
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
        }
        self.intents[name] = intent
        self.tell("payment_intent.created", intent)
        return intent

    def _confirm(self, intent: Params, params: Params) -> Params:
        _allowed(params, "payment_method")
        if intent["status"] not in CONFIRMABLE:
            raise _unexpected(intent)
        method = _required(params, "payment_method")
        if method not in PAYING | ASKING | DECLINES.keys():
            raise Refusal(400, code="resource_missing", param="payment_method")
        self._cards[intent["id"]] = method
        if method in DECLINES:
            raise Refusal(402, "card_error", **self._decline(intent, *DECLINES[method], method))
        intent["payment_method"] = f"pm_{next(self._numbers)}"
        if method in ASKING:
            intent["status"] = "requires_action"
            intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
            self.tell("payment_intent.requires_action", intent)
            return intent
        return self._charge(intent)

    def _decline(
        self, intent: Params, code: str, decline_code: str | None, method: str = ""
    ) -> Params:
        error: Params = {"code": code, "decline_code": decline_code, "type": "card_error"}
        error = {name: value for name, value in error.items() if value is not None}
        if method:
            error["payment_method"] = _method(method)
        intent.update(
            status="requires_payment_method",
            last_payment_error=error,
            payment_method=None,
            next_action=None,
        )
        self.tell("payment_intent.payment_failed", intent)
        return {name: value for name, value in error.items() if name != "type"}

    def _charge(self, intent: Params) -> Params:
        intent.update(latest_charge=f"ch_{next(self._numbers)}", last_payment_error=None)
        self.movements.append(("charge", intent["id"], intent["amount"]))
        if intent["capture_method"] == "manual":
            intent.update(status="requires_capture", amount_capturable=intent["amount"])
            self.tell("payment_intent.amount_capturable_updated", intent)
            return intent
        return self._collect(intent, intent["amount"])

    def _collect(self, intent: Params, amount: int) -> Params:
        intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
        self.tell("payment_intent.succeeded", intent)
        return intent

    def _capture(self, intent: Params, params: Params) -> Params:
        _allowed(params, "amount_to_capture")
        if intent["status"] != "requires_capture":
            raise _unexpected(intent)
        amount = intent["amount"]
        if "amount_to_capture" in params:
            amount = _amount(params, "amount_to_capture")
        if not 0 < amount <= intent["amount_capturable"]:
            raise Refusal(400, code="amount_too_large", param="amount_to_capture")
        return self._collect(intent, amount)

    def _cancel(self, intent: Params, params: Params) -> Params:
        _allowed(params)
        if intent["status"] not in CANCELABLE:
            raise _unexpected(intent)
        intent.update(
            status="canceled", canceled_at=int(time.time()), amount_capturable=0, next_action=None
        )
        self.tell("payment_intent.canceled", intent)
        return intent

    # --- refunds ---

    def _create_refund(self, params: Params) -> Params:
        _allowed(params, "payment_intent", "amount", "reason", "metadata")
        if params.get("reason", "duplicate") not in REFUND_REASONS:
            raise Refusal(400, code="parameter_invalid", param="reason")
        intent = _known(self.intents, _required(params, "payment_intent"), "payment_intent")
        if not intent["amount_received"]:
            raise Refusal(400, code="charge_not_refundable", param="payment_intent")
        refunds = [row for row in self.refunds.values() if row["payment_intent"] == intent["id"]]
        sent = sum(row["amount"] for row in refunds if row["status"] != "failed")
        left = intent["amount_received"] - sent
        if not left:
            raise Refusal(400, code="charge_already_refunded")
        amount = _amount(params, "amount") if "amount" in params else left
        if not 0 < amount <= left:
            raise Refusal(400, param="amount")  # Stripe gives this one no code
        card = self._cards[intent["id"]]
        refund: Params = {
            "id": f"re_{next(self._numbers)}{secrets.token_hex(8)}",
            "object": "refund",
            "amount": amount,
            "charge": intent["latest_charge"],
            "created": int(time.time()),
            "currency": intent["currency"],
            "metadata": _metadata(params),
            "payment_intent": intent["id"],
            "reason": params.get("reason"),
            "status": "pending" if card == "pm_card_pendingRefund" else "succeeded",
        }
        self.refunds[refund["id"]] = refund
        self.movements.append(("refund", intent["id"], amount))
        self.tell("refund.created", refund)
        charge = {
            "id": intent["latest_charge"],
            "object": "charge",
            "amount_refunded": sent + amount,
        }
        self.tell("charge.refunded", charge)
        return refund

    def _list_refunds(self, params: Params) -> Params:
        _allowed(params, "payment_intent", "limit")
        intent = _known(self.intents, _required(params, "payment_intent"), "payment_intent")
        rows = [row for row in self.refunds.values() if row["payment_intent"] == intent["id"]]
        latest = rows[::-1][: _amount(params, "limit")]
        return {"object": "list", "data": latest, "has_more": False, "url": "/v1/refunds"}


def _known(rows: dict[str, Params], name: str, param: str) -> Params:
    if name not in rows:
        raise Refusal(
            404 if param in {"intent", "refund"} else 400, code="resource_missing", param=param
        )
    return rows[name]


def _unexpected(intent: Params) -> Refusal:
    return Refusal(400, code="payment_intent_unexpected_state", payment_intent=intent)


def _allowed(params: Params, *names: str) -> None:
    for name in params:
        if name not in names:
            raise Refusal(400, code="parameter_unknown", param=name)


def _required(params: Params, name: str) -> str:
    if not isinstance(params.get(name), str) or not params[name]:
        raise Refusal(400, code="parameter_missing", param=name)
    return params[name]


def _amount(params: Params, name: str) -> int:
    text = _required(params, name)
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, code="parameter_invalid_integer", param=name)
    return int(text)


def _automatic(params: Params) -> Params:
    given = params.get("automatic_payment_methods", {})
    if given.keys() - {"enabled", "allow_redirects"} or given.get("enabled") != "true":
        raise Refusal(400, code="parameter_invalid", param="automatic_payment_methods")
    return {"enabled": True, "allow_redirects": given.get("allow_redirects", "always")}


def _metadata(params: Params) -> dict[str, str]:
    given = params.get("metadata", {})
    too_long = any(len(name) > 40 or len(value) > 500 for name, value in given.items())
    if too_long or len(given) > 50:
        raise Refusal(400, code="parameter_invalid", param="metadata")
    return dict(given)


def _method(name: str) -> Params:
    """Return a card as Stripe shows it: the same card has one fingerprint whatever its name."""
    card = name.replace("pm_card_visa_", "pm_card_")
    fingerprint = hashlib.sha256(card.encode()).hexdigest()[:16]
    return {
        "id": name,
        "object": "payment_method",
        "type": "card",
        "card": {"brand": "visa", "fingerprint": fingerprint, "last4": "0002"},
    }
