"""Signed tokens: those of a session, and those in the links of mails."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.encoding import force_bytes
from django.utils.http import base36_to_int, urlsafe_base64_decode, urlsafe_base64_encode
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.errors import InvalidToken
from accounts.models import Session, User
from accounts.token_keys import AccessToken, RefreshToken, UntypedToken

SESSION_CLAIM = "sid"
ROTATION_CLAIM = "rot"
_LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class TokenPair:
    """What a login brings: a short-lived key to the API, and the means to get the next."""

    access: str
    refresh: str


@dataclass(frozen=True)
class SessionClaims:
    """What a token of a session says about itself."""

    session_id: uuid.UUID
    user_id: int
    jti: str
    rotates: bool = False
    is_refresh: bool = False


def refresh_lifetime(*, rotates: bool) -> timedelta:
    """Return how long a refresh token of this mode lives."""
    if rotates:
        return settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    return settings.NON_ROTATING_REFRESH_LIFETIME


def last_end_of(session: Session) -> datetime:
    """Return when a session ends however often it is refreshed: then one logs in anew."""
    return session.created_at + settings.SESSION_ABSOLUTE_LIFETIME


def issue_access(session: Session, *, now: datetime) -> str:
    """Return an access token of this session."""
    token = AccessToken()
    _describe(token, session)
    lifetime = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    token.set_exp(from_time=now, lifetime=min(lifetime, session.expires_at - now))
    return str(token)


def issue_refresh(session: Session, *, now: datetime) -> str:
    """Return the session's current refresh token."""
    token = RefreshToken()
    _describe(token, session)
    token["jti"] = session.refresh_jti
    token[ROTATION_CLAIM] = session.rotates
    token.set_exp(from_time=now, lifetime=session.expires_at - now)
    return str(token)


def read_access(validated: Token) -> SessionClaims:
    """Return the claims of an access token whose signature was checked.

    :raises InvalidToken: it names no session.
    """
    return _claims(validated)


def read_refresh(text: str) -> SessionClaims:
    """Return the claims of a refresh token.

    :raises InvalidToken: it is forged, expired, of another type, or names no session.
    """
    return _claims(_decode(RefreshToken, text))


def read_any(text: str) -> SessionClaims:
    """Return the claims of an access or refresh token.

    :raises InvalidToken: see ``read_refresh``.
    """
    token = _decode(UntypedToken, text)
    if token.payload.get("token_type") not in ("access", "refresh"):
        raise InvalidToken
    return _claims(token)


def _describe(token: Token, session: Session) -> None:
    token["user_id"] = str(session.user_id)
    token[SESSION_CLAIM] = str(session.pk)


def _decode(kind: Any, text: str) -> Token:
    if len(text) > _LONGEST_TOKEN:
        raise InvalidToken
    try:
        token: Token = kind(text)
    except TokenError as error:
        raise InvalidToken from error
    return token


def _claims(token: Token) -> SessionClaims:
    try:
        return SessionClaims(
            session_id=uuid.UUID(str(token[SESSION_CLAIM])),
            user_id=int(token["user_id"]),
            jti=str(token["jti"]),
            rotates=token.payload.get(ROTATION_CLAIM) is True,
            is_refresh=token.payload.get("token_type") == "refresh",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidToken from error


class MailTokenGenerator(PasswordResetTokenGenerator):
    """Django's token of a link in a mail, with a lifetime of its own."""

    def __init__(self, *, purpose: str, lifetime: timedelta) -> None:
        super().__init__()
        self.key_salt = f"accounts.tokens.{purpose}"
        self.lifetime = lifetime

    def check_token(self, user: Any, token: str | None) -> bool:
        """Return whether the token is this user's, unused and young enough."""
        if not super().check_token(user, token):
            return False
        made_at = base36_to_int(str(token).split("-")[0])
        return self._num_seconds(self._now()) - made_at <= self.lifetime.total_seconds()


class _ResetTokenGenerator(MailTokenGenerator):
    """Dies with a new password or email, and with a login (to the microsecond, unlike Django's)."""

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        login = user.last_login.isoformat() if user.last_login else ""
        return f"{user.pk}{user.password}{login}{user.email}{timestamp}"


class _ActivationTokenGenerator(MailTokenGenerator):
    """Dies with the registration it was mailed for: its address, password or date."""

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk}{user.password}{user.email}{user.date_joined.isoformat()}{timestamp}"


reset_tokens = _ResetTokenGenerator(purpose="reset", lifetime=timedelta(minutes=30))
activation_tokens = _ActivationTokenGenerator(purpose="activation", lifetime=timedelta(hours=24))


def encode_uid(user: User) -> str:
    """Return the user's id as it stands in links."""
    return urlsafe_base64_encode(force_bytes(user.pk))


def decode_uid(uid: str) -> int | None:
    """Return the id in a link, ``None`` where there is none."""
    try:
        text = urlsafe_base64_decode(uid).decode("ascii")
    except (ValueError, UnicodeError):
        return None
    return int(text) if text.isdigit() and len(text) <= 18 else None


def join_uid_and_token(uid: str, token: str) -> str:
    """Return the two parts of a link as one."""
    return f"{uid}.{token}"


def split_uid_and_token(text: str) -> tuple[str, str]:
    """Return the two parts of a one-part token; the second is empty where there is none."""
    uid, _, token = text.partition(".")
    return uid, token
