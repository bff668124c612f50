"""Codes that two sides make of one secret and the time (RFC 6238: SHA-1, six digits, 30 s).

These parameters are the ones that every authenticator app understands.
"""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from django.utils.crypto import constant_time_compare

STEP_SECONDS = 30
DIGITS = 6


def new_secret() -> str:
    """Return 160 random bits in base32, as they are typed into an app."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def step_at(moment: datetime) -> int:
    """Return the number of the half minute that a moment lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    """Return the code of one step."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: str, code: str, *, now: datetime, tolerance: int) -> int | None:
    """Return the step whose code this is, ``None`` where it is none of about now.

    :param tolerance: steps before and after the present one whose codes are good as well.
    """
    present = step_at(now)
    found = None
    for step in range(present - tolerance, present + tolerance + 1):
        if constant_time_compare(code_at(secret, step), code):
            found = step
    return found


def provisioning_uri(secret: str, *, account: str, issuer: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    label = quote(f"{issuer}:{account}", safe="")
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"
