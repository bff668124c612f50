"""Secrets that the database holds and must not give away: sealed with a key of SECRET_KEY."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


class BrokenSeal(Exception):
    """What was sealed was sealed with a key that the settings no longer name."""


def seal(text: str) -> str:
    """Return the text as only this shop's keys can read it."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what was sealed, with the present key or one of SECRET_KEY_FALLBACKS.

    :raises BrokenSeal: no key fits.
    """
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise BrokenSeal from error


def _keys() -> MultiFernet:
    return MultiFernet(
        [_key_of(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _key_of(secret: str) -> Fernet:
    digest = salted_hmac("accounts.sealing", "key", secret=secret, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(digest))
