"""What signs tokens: SECRET_KEY; what SECRET_KEY_FALLBACKS signed is read as well."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from rest_framework_simplejwt import tokens as jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from shop_backend.kernel.converters import MAX_ID

_END_OF_TIME = 2**37  # seconds since 1970, in the year 6325; dates end in 9999


class Keyring:
    """simplejwt's backend, once for each key: the first signs, any of them reads."""

    def encode(self, payload: dict[str, Any]) -> str:
        """Return the signed token, with the shop's issuer and audience in it."""
        return _backend(settings.SECRET_KEY).encode(payload)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002  # simplejwt's
        """Return the claims.

        :raises TokenBackendError: no key fits, or issuer, audience or time are wrong.
        """
        refusal = TokenBackendError("Token is invalid")
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            try:
                claims: dict[str, Any] = _backend(key).decode(token, verify=verify)
            except TokenBackendExpiredToken:
                raise
            except TokenBackendError as error:
                refusal = error
            else:
                return _sane(claims)
        raise refusal

    def get_leeway(self) -> Any:
        """Return by how much two clocks may differ."""
        return _backend(settings.SECRET_KEY).get_leeway()


def _sane(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims, unless one is beyond what dates and columns can hold."""
    try:
        is_sane = 0 < claims["exp"] < _END_OF_TIME and 0 < int(claims["user_id"]) <= MAX_ID
    except (KeyError, TypeError, ValueError):
        is_sane = False
    if not is_sane:
        raise TokenBackendError("Token is invalid")
    return claims


@lru_cache(maxsize=8)
def _backend(key: str) -> TokenBackend:
    jwt_settings = settings.SIMPLE_JWT
    return TokenBackend(
        jwt_settings["ALGORITHM"],
        key,
        audience=jwt_settings["AUDIENCE"],
        issuer=jwt_settings["ISSUER"],
    )


_KEYRING: Any = Keyring()


class AccessToken(jwt.AccessToken):
    """A short-lived key to the API."""

    _token_backend = _KEYRING


class RefreshToken(jwt.RefreshToken):
    """The means to get the next access token."""

    _token_backend = _KEYRING


class UntypedToken(jwt.UntypedToken):
    """Either of them."""

    _token_backend = _KEYRING
