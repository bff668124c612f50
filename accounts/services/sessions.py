"""Sessions: opened by a login, refreshed, ended."""

import ipaddress
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import selectors, tokens
from accounts.errors import InvalidCredentials, InvalidToken, RefreshAlreadyUsed
from accounts.models import Session, User
from accounts.services.guessing import counted_login
from accounts.services.two_factor import require_second_factor
from accounts.tokens import SessionClaims, TokenPair
from shop_backend.kernel import transactions
from shop_backend.kernel.errors import ShopError

GRACE = timedelta(seconds=10)  # the tabs of one browser refresh at the same moment
_MOST_ROTATIONS = 20  # remembered of those ten seconds


@dataclass(frozen=True)
class Device:
    """What a login tells about where it comes from."""

    user_agent: str = ""
    ip: str = ""


def log_in(
    *, login: str, password: str, device: Device, second_factor: str = "", replaced: str = ""
) -> tuple[User, TokenPair]:
    """Open a session whose refresh tokens rotate.

    :param login: a username, or with an ``@`` an email.
    :param replaced: a refresh token; its session ends with the login (ASVS 5.0, 7.2.4).
    :raises InvalidCredentials: whatever the reason; an unknown name takes as long as a known.
    :raises TooManyPasswords: too many wrong ones were tried for this name.
    :raises TwoFactorRequired: see ``require_second_factor``, as for what else it refuses.
    """
    user = _authenticate(login, password, second_factor)
    pair = open_session(user=user, device=device, rotates=True)
    _end_replaced(replaced)
    return user, pair


def log_in_without_rotation(
    *, login: str, password: str, device: Device, second_factor: str = "", replaced: str = ""
) -> TokenPair:
    """Open a session with one refresh token for all its 24 hours, as Djoser's clients expect.

    :raises InvalidCredentials: see ``log_in``.
    :raises TooManyPasswords: see ``log_in``.
    :raises TwoFactorRequired: see ``log_in``.
    """
    user = _authenticate(login, password, second_factor)
    pair = open_session(user=user, device=device, rotates=False)
    _end_replaced(replaced)
    return pair


@transactions.use_case
def open_session(*, user: User, device: Device, rotates: bool) -> TokenPair:
    """Open a session for somebody whose password was just checked.

    :param user: as read before the checks.
    :raises InvalidCredentials: the account has changed in the meantime, or its sign-ins were ended.
    """
    now = timezone.now()
    # The guard waits for a concurrent reset, deactivation or second factor, which ends all sessions
    # but could not have seen this one. Whatever does that moves the epoch.
    unchanged = User.objects.filter(
        pk=user.pk, password=user.password, is_active=True, sign_in_epoch=user.sign_in_epoch
    )
    if not unchanged.update(last_login=now):
        raise InvalidCredentials
    user.last_login = now
    session = Session.objects.create(
        user=user,
        rotates=rotates,
        refresh_jti=uuid.uuid4().hex,
        created_at=now,
        last_used_at=now,
        expires_at=now + tokens.refresh_lifetime(rotates=rotates),
        user_agent=device.user_agent.replace("\x00", "")[:255],
        ip=_address(device.ip),
    )
    return TokenPair(
        access=tokens.issue_access(session, now=now),
        refresh=tokens.issue_refresh(session, now=now),
    )


@transactions.forbids_transaction  # the family stays revoked when the caller is refused
def refresh(*, refresh_token: str, now: datetime | None = None) -> tuple[str, str | None]:
    """Return a new access token, and where the session rotates a new refresh token.

    :raises RefreshAlreadyUsed: it was used within the last ten seconds.
    :raises InvalidToken: it is not valid; if it was used earlier, the whole session ends.
    """
    now = now or timezone.now()
    claims = tokens.read_refresh(refresh_token)
    outcome = transactions.run(partial(_refresh, claims, now))
    if isinstance(outcome, ShopError):
        raise outcome
    return outcome


def verify(*, token: str) -> None:
    """Find out whether a token is valid, its session alive, and a refresh token unused.

    :raises InvalidToken: it is not.
    """
    claims = tokens.read_any(token)
    session = _live_session(claims, now=timezone.now())
    if session is None or (claims.is_refresh and claims.jti != session.refresh_jti):
        raise InvalidToken


@transactions.use_case
def log_out(*, user: User, refresh_token: str) -> None:
    """End the session of this refresh token, if it is the user's; again is harmless.

    :raises InvalidToken: it is forged or expired, or somebody else's.
    """
    claims = tokens.read_refresh(refresh_token)
    if claims.user_id != user.pk:
        raise InvalidToken
    Session.objects.filter(pk=claims.session_id, user=user, revoked_at=None).update(
        revoked_at=timezone.now()
    )


def _end_replaced(refresh_token: str) -> None:
    """End the session that a browser had before, whosesoever it was; a bad token is none."""
    with suppress(InvalidToken):
        if refresh_token:
            claims = tokens.read_refresh(refresh_token)
            live = Session.objects.filter(pk=claims.session_id, revoked_at=None)
            live.filter(user_id=claims.user_id).update(revoked_at=timezone.now())


def _authenticate(login: str, password: str, second_factor: str) -> User:
    with counted_login(login) as user:
        if user is None:
            make_password(password)  # as much work as a check
            raise InvalidCredentials
        if not user.check_password(password) or not selectors.may_log_in(user):
            raise InvalidCredentials
    require_second_factor(user=user, code=second_factor, now=timezone.now())
    return user


def _refresh(claims: SessionClaims, now: datetime) -> tuple[str, str | None] | ShopError:
    """Return the refusal instead of raising it, so that a revocation is committed."""
    session = _live_session(claims, now=now)
    if session is None or session.rotates != claims.rotates:
        return InvalidToken()
    move: Callable[[Session, str, datetime], bool] = _rotate if session.rotates else _touch
    if not move(session, claims.jti, now):
        return _refuse_reuse(claims, now)
    session.refresh_from_db()
    access = tokens.issue_access(session, now=now)
    return access, tokens.issue_refresh(session, now=now) if session.rotates else None


def _rotate(session: Session, jti: str, now: datetime) -> bool:
    """Replace the current refresh token, if this is it, in one guarded UPDATE.

    While the guard holds nobody has rotated since the session was read, so its list is whole.
    """
    recent = [[used, at] for used, at in session.recent_rotations if _is_fresh(at, now)]
    new_jti = uuid.uuid4().hex
    end = min(now + tokens.refresh_lifetime(rotates=True), tokens.last_end_of(session))
    current = Session.objects.filter(pk=session.pk, refresh_jti=jti, revoked_at=None)
    return bool(
        current.update(
            refresh_jti=new_jti,
            recent_rotations=[*recent, [jti, now.timestamp()]][-_MOST_ROTATIONS:],
            last_used_at=now,
            expires_at=end,
        )
    )


def _touch(session: Session, jti: str, now: datetime) -> bool:
    current = Session.objects.filter(pk=session.pk, refresh_jti=jti, revoked_at=None)
    return bool(current.update(last_used_at=now))


def _refuse_reuse(claims: SessionClaims, now: datetime) -> ShopError:
    # Locked, and so read anew: the rotation that won this race may not be in our snapshot.
    session = selectors.find(Session.objects.select_for_update().filter(pk=claims.session_id))
    if session is None or session.revoked_at is not None:  # gone with its account, or ended
        return InvalidToken()
    if any(used == claims.jti and _is_fresh(at, now) for used, at in session.recent_rotations):
        return RefreshAlreadyUsed()
    Session.objects.filter(pk=session.pk).update(revoked_at=now)
    return InvalidToken()


def _is_fresh(used_at: float, now: datetime) -> bool:
    return now.timestamp() - used_at < GRACE.total_seconds()


def _live_session(claims: SessionClaims, *, now: datetime) -> Session | None:
    return selectors.find(
        Session.objects.live(now).filter(
            pk=claims.session_id, user_id=claims.user_id, user__is_active=True
        )
    )


def _address(text: str) -> str | None:
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    # Without its zone (RFC 4007), as in fe80::1%eth0: PostgreSQL's inet does not take every one.
    return str(type(ip)(int(ip)))
