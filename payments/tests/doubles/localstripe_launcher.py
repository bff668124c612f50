"""Run localstripe (GPL-3.0-or-later, not ours) on a loopback port; prints the port, then serves.

It runs in an environment and a process of its own; nothing of the shop imports it or this file.
What Stripe does and localstripe does not (or does otherwise) is put right here from outside, as
far as the shop meets it: parameters, error codes, over-refunds, idempotency keys, events.
"""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from localstripe import resources, webhooks
from localstripe.errors import UserError
from localstripe.resources import Event, PaymentIntent, PaymentMethod, Refund

PAYABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}
CARDS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_chargeDeclined": "4000000000000341",  # the one that it declines when charged
    "pm_card_authenticationRequired": "4000002760003184",
}

retrieve_intent, create_intent = PaymentIntent._api_retrieve, PaymentIntent._api_create
confirm_intent, cancel_intent = PaymentIntent._api_confirm, PaymentIntent._api_cancel
capture_intent, create_refund = PaymentIntent._api_capture, Refund._api_create


def refusal(status: int, code: str, param: str = "") -> UserError:
    return UserError(status, "Refused.", {"code": code, "param": param})


def tell(kind: str, what: Any) -> None:
    resources.schedule_webhook(Event(kind, what))


def retrieve(cls: type, id: str) -> Any:
    try:
        return retrieve_intent(id)
    except UserError as error:
        raise refusal(404, "resource_missing", "intent") from error


def demand(id: str, statuses: set[str]) -> Any:
    intent = PaymentIntent._api_retrieve(id)
    if intent.status not in statuses:
        raise refusal(400, "payment_intent_unexpected_state")
    return intent


def create(cls: type, automatic_payment_methods: Any = None, **params: Any) -> Any:
    return create_intent(**params)


def confirm(id: str, payment_method: str, **params: Any) -> Any:
    intent = demand(id, PAYABLE)
    try:
        method = PaymentMethod._api_retrieve(payment_method)
    except UserError as error:
        raise refusal(400, "resource_missing", "payment_method") from error
    intent.payment_method, intent.latest_charge, intent.next_action = method.id, None, None
    return confirm_intent(id, **params)


def cancel(id: str, **params: Any) -> Any:
    demand(id, {*PAYABLE, "requires_capture"})
    intent = cancel_intent(id, **params)
    tell("payment_intent.canceled", intent)
    return intent


def capture(id: str, amount_to_capture: str | None = None, **params: Any) -> Any:
    intent = demand(id, {"requires_capture"})
    intent._received = int(amount_to_capture or intent.amount)
    return capture_intent(id, amount_to_capture=amount_to_capture, **params)


def refund(cls: type, payment_intent: str, amount: str | None = None, **params: Any) -> Any:
    charge = demand(payment_intent, {"succeeded"}).latest_charge
    left = charge.amount - charge.amount_refunded
    if not left:
        raise refusal(400, "charge_already_refunded")
    if int(amount or left) > left:
        raise refusal(400, "", "amount")
    params.pop("reason", None)
    made = create_refund(payment_intent=payment_intent, amount=amount or left, **params)
    tell("refund.created", made)
    return made


def get_received(intent: Any) -> int:
    return getattr(intent, "_received", intent.amount) if intent.status == "succeeded" else 0


def find_test_card(cls: type, id: str) -> Any:
    if id not in CARDS:
        return None
    card = {"number": CARDS[id], "exp_month": "12", "exp_year": "2030", "cvc": "123"}
    return PaymentMethod(type="card", card=card)


answers: dict[str, tuple[Any, int, bytes]] = {}


@web.middleware
async def remember_keys(request: web.Request, handler: Any) -> web.StreamResponse:
    key = request.headers.get("Idempotency-Key", "")
    if request.method != "POST" or not key:
        return await handler(request)
    asked = request.path, await request.read()
    if key not in answers:
        response = await handler(request)
        answers[key] = asked, response.status, response.body
        return response
    before, status, body = answers[key]
    if before != asked:
        error = {"error": {"type": "idempotency_error", "message": "Other parameters."}}
        return web.json_response(error, status=400)
    headers = {"Idempotent-Replayed": "true"}
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def patch() -> None:
    PaymentIntent._api_retrieve = classmethod(retrieve)
    PaymentIntent._api_create = classmethod(create)
    PaymentIntent.amount_received = property(get_received)
    PaymentMethod._try_get_canonical_test_article = classmethod(find_test_card)
    Refund._api_create = classmethod(refund)
    ours = {"confirm": confirm, "cancel": cancel, "capture": capture}
    resources.extra_apis[:] = [
        (method, url, ours.get(url.rpartition("/")[2], function))
        if url.startswith("/v1/payment_intents/")
        else (method, url, function)
        for method, url, function in resources.extra_apis
    ]
    resources.store.dump_to_disk = lambda: None  # its file is one for the whole machine
    webhooks.asyncio = SimpleNamespace(
        ensure_future=asyncio.ensure_future, sleep=lambda seconds: asyncio.sleep(0)
    )


def main() -> None:
    patch()
    from localstripe.server import app  # noqa: PLC0415  # its routes are made on import

    app.middlewares.append(remember_keys)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    web.run_app(app, sock=listener, print=None, access_log=None)


if __name__ == "__main__":
    main()
