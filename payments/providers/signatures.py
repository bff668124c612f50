"""Signatures of webhooks in Stripe's scheme: ``t=<seconds>,v1=<hex HMAC-SHA256>``.

The HMAC is over ``<seconds>.<raw body>`` (docs.stripe.com/webhooks/signature).
"""

import hashlib
import hmac
import re
import time

from payments.errors import InvalidSignature

TOLERANCE_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def sign(body: bytes, *, secret: str, timestamp: int | None = None) -> str:
    """Return the header for this body."""
    timestamp = int(time.time()) if timestamp is None else timestamp
    return f"t={timestamp},v1={_digest(body, secret, str(timestamp))}"


def check(header: str, body: bytes, *, secret: str, now: float | None = None) -> None:
    """Accept a fresh signature made with the secret.

    :raises InvalidSignature: anything else.
    """
    if not header.isascii():
        raise InvalidSignature
    parts = [part.partition("=") for part in header[:2000].split(",")]
    timestamps = [value for name, _, value in parts if name.strip() == "t"]
    candidates = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(timestamps) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
        raise InvalidSignature
    expected = _digest(body, secret, timestamps[0]).encode()
    if not any(hmac.compare_digest(expected, value.encode()) for value in candidates):
        raise InvalidSignature
    age = (time.time() if now is None else now) - int(timestamps[0])
    if abs(age) > TOLERANCE_SECONDS:
        raise InvalidSignature


def _digest(body: bytes, secret: str, timestamp: str) -> str:
    signed = timestamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
