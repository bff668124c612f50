"""The Stripe double on a loopback port, and what can go wrong on the way to it."""

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from payments.tests.doubles.stripe_rules import API_VERSION, Account, Params

_NESTED = re.compile(r"([a-z_]+)\[([a-z_]+)\]")
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Asked:
    """One request as it came in, also if its answer was lost."""

    method: str
    path: str
    params: Params
    key: str | None


class StripeDouble:
    """``with StripeDouble() as stripe:`` serves an account of its own on ``stripe.url``.

    ``faults`` says what becomes of the next requests, one word each: ``refuse`` (the line is cut
    before the request is read), ``lose`` (it is done, and the line is cut before the answer),
    ``hang`` (it is done, and the answer does not come), ``busy`` (409), ``broken`` (500),
    ``throttle`` (429), ``ok``.
    """

    def __init__(self, *, key: str = "sk_test_double", secret: str = "whsec_double") -> None:
        self.account = Account()
        self.key, self.secret = key, secret
        self.faults: deque[str] = deque()
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()  # lets go of whoever hangs
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens; what STRIPE_API_BASE is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def keys(self, path: str) -> list[str | None]:
        """Return the idempotency keys of all requests whose path ends so."""
        return [asked.key for asked in self.asked if asked.path.endswith(path)]

    def deliveries(self, kind: str = "") -> list[tuple[bytes, str]]:
        """Return body and signature of each event so far, as the webhook gets them."""
        events = [event for event in self.account.events if event["type"].startswith(kind)]
        return [self.sign(event) for event in events]

    def take(self, kind: str, intent_id: str) -> tuple[bytes, str]:
        """Return body and signature of the last event of this kind about this intent."""
        found = [
            event
            for event in self.account.events
            if event["type"] == kind
            and intent_id
            in {event["data"]["object"]["id"], event["data"]["object"].get("payment_intent")}
        ]
        return self.sign(found[-1])

    def authenticate(self, intent_id: str, client_secret: str, *, agrees: bool) -> None:
        """Do what the customer's browser does in 3-D Secure."""
        assert self.account.intents[intent_id]["client_secret"] == client_secret
        self.account.authenticate(intent_id, agrees=agrees)

    def sign(self, event: Params, *, age_seconds: int = 0) -> tuple[bytes, str]:
        """Return body and header; each delivery of an event is signed anew, when it is sent."""
        body = json.dumps(event, indent=2).encode()
        sent_at = int(time.time()) - age_seconds
        signed = f"{sent_at}.".encode() + body
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return body, f"t={sent_at},v1={digest},v0={secrets.token_hex(32)}"


def _handler_of(double: StripeDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        stripe = double

    return Handler


class _Handler(BaseHTTPRequestHandler):
    stripe: StripeDouble
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        where = urlsplit(self.path)
        params = _unflatten(body if method == "POST" else where.query)
        key = self.headers.get("Idempotency-Key")
        self.stripe.asked.append(Asked(method, where.path, params, key))
        fault = self.stripe.faults.popleft() if self.stripe.faults else "ok"
        if fault == "refuse":
            self.close_connection = True
            return
        refusal = self._refusal(fault)
        if refusal is None:
            status, answer, is_replay = self.stripe.account.answer(method, where.path, params, key)
        else:
            status, answer, is_replay = *refusal, False
        if fault == "hang":
            self.stripe.ended.wait(_PATIENCE_SECONDS)
        if fault in {"lose", "hang"}:
            self.close_connection = True
            return
        self._send(status, answer, is_replay=is_replay)

    def _refusal(self, fault: str) -> tuple[int, Params] | None:
        if self.headers.get("Authorization") != f"Bearer {self.stripe.key}":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}
        if self.headers.get("Stripe-Version") != API_VERSION:
            return 400, {"error": {"type": "invalid_request_error", "code": "version_unknown"}}
        faults = {
            "busy": (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}),
            "broken": (500, {"type": "api_error"}),
            "throttle": (429, {"type": "invalid_request_error", "code": "rate_limit"}),
        }
        if fault not in faults:
            return None
        status, error = faults[fault]
        return status, {"error": {"message": "Not now.", **error}}

    def _send(self, status: int, answer: Params, *, is_replay: bool) -> None:
        body = json.dumps(answer, indent=2).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", f"req_{secrets.token_hex(7)}")
        if is_replay:
            self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(body)


def _unflatten(text: str) -> Params:
    """Read a form body: ``metadata[reference]=R1`` becomes a dict in a dict."""
    params: Params = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        if nested := _NESTED.fullmatch(name):
            params.setdefault(nested[1], {})[nested[2]] = value
        else:
            params[name] = value
    return params
