"""The second factor: a code from a telephone beside the password, and codes for when it is lost."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import sealing, selectors, totp
from accounts.errors import (
    InvalidTwoFactorCode,
    TooManyTwoFactorCodes,
    TwoFactorAlreadyOn,
    TwoFactorCodeRequired,
    TwoFactorFailed,
    TwoFactorNotOn,
    TwoFactorRequired,
)
from accounts.mailbox import MailPurpose, post
from accounts.models import RecoveryCode, Session, TwoFactor, User
from accounts.services.presence import is_recent, require_password
from accounts.services.signing_out import revoke_sessions
from shop_backend.kernel import budgets, transactions

logger = logging.getLogger(__name__)

RECOVERY_CODES = 10
# Crockford's letters and digits: none is mistaken for another. 24 of them are 120 bits, so many
# that a plain hash keeps them (OWASP ASVS 5.0, 6.5.2).
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app has to be told, once."""

    secret: str
    uri: str


def require_second_factor(*, user: User, code: str, now: datetime) -> None:
    """Ask somebody whose password was right for their second factor, if they have one.

    :param code: six digits of the app, or a recovery code; empty where none was sent.
    :raises TwoFactorRequired: none was sent.
    :raises TwoFactorFailed: it is wrong, or was used before.
    :raises TooManyTwoFactorCodes: too many were wrong; nothing was compared.
    """
    factor = selectors.find(TwoFactor.objects.filter(user=user).confirmed())
    if factor is None:
        return
    if not code:
        raise TwoFactorRequired
    if not _spend_try(factor, code, now):
        raise TwoFactorFailed


@transactions.forbids_transaction  # a wrong try stays counted when it is refused
def require_second_factor_as_well(
    *,
    user: User,
    session: Session | None,
    code: str,
    now: datetime | None = None,
) -> None:
    """Ask whoever has sent their password for the rest of a login, where the last is too old.

    Without a second factor it refuses nothing.

    :raises TwoFactorCodeRequired: none was sent.
    :raises InvalidTwoFactorCode: it is wrong, or was used before.
    :raises TooManyTwoFactorCodes: see ``require_second_factor``.
    """
    now = now or timezone.now()
    factor = selectors.find(TwoFactor.objects.filter(user=user).confirmed())
    if factor is None or is_recent(session, now):
        return
    if not code:
        raise TwoFactorCodeRequired
    if not _spend_try(factor, code, now):
        raise InvalidTwoFactorCode(field="otp")


@transactions.use_case
def begin_two_factor(*, user: User) -> Enrolment:
    """Make a new secret for an app; it counts once a code of it is confirmed.

    The caller makes sure that it is the person themselves (``require_presence``).

    :raises TwoFactorAlreadyOn: switch the present one off first.
    :raises InvalidToken: the account has ended meanwhile.
    """
    selectors.lock_caller(user_id=user.pk)  # two beginnings wait for one another
    factors = TwoFactor.objects.filter(user=user)
    if factors.confirmed().exists():
        raise TwoFactorAlreadyOn
    secret = totp.new_secret()
    factors.delete()
    TwoFactor.objects.create(user=user, sealed_secret=sealing.seal(secret))
    uri = totp.provisioning_uri(secret, account=user.username, issuer=settings.SHOP_NAME)
    return Enrolment(secret=secret, uri=uri)


@transactions.forbids_transaction  # a wrong try stays counted when it is refused
def confirm_two_factor(
    *, user: User, code: str, session: Session | None, now: datetime | None = None
) -> list[str]:
    """Switch the second factor on and end all other sessions; return the recovery codes, once.

    :param session: the caller's own, which stays.
    :raises InvalidTwoFactorCode: the app shows another code.
    :raises TwoFactorNotOn: nothing was begun.
    :raises TwoFactorAlreadyOn: it was confirmed before.
    :raises TooManyTwoFactorCodes: see ``require_second_factor``.
    """
    now = now or timezone.now()
    factor = selectors.find(TwoFactor.objects.filter(user=user))
    if factor is None:
        raise TwoFactorNotOn
    if factor.confirmed_at is not None:
        raise TwoFactorAlreadyOn
    if not _spend_try(factor, code, now):
        raise InvalidTwoFactorCode
    return transactions.run(partial(_switch_on, factor, user, session, now))


@transactions.forbids_transaction
def renew_recovery_codes(
    *, user: User, password: str, code: str, now: datetime | None = None
) -> list[str]:
    """Replace the recovery codes; return the new ones, once.

    :raises InvalidPassword: the password is wrong.
    :raises TooManyPasswords: see ``require_password``, as for what else it refuses.
    :raises InvalidTwoFactorCode: the code is wrong.
    :raises TwoFactorNotOn: there is no second factor.
    :raises TooManyTwoFactorCodes: see ``require_second_factor``.
    """
    factor = _prove(user, password, code, now or timezone.now())
    return transactions.run(partial(_renew_codes, factor))


@transactions.forbids_transaction
def switch_two_factor_off(
    *, user: User, password: str, code: str, session: Session | None, now: datetime | None = None
) -> None:
    """Let the password alone be enough again, and end all other sessions.

    :param session: the caller's own, which stays.
    :raises InvalidPassword: see ``renew_recovery_codes``, as for the rest.
    """
    factor = _prove(user, password, code, now or timezone.now())
    transactions.run(partial(take_away, factor, user, session))


def take_away(factor: TwoFactor, user: User, spare: Session | None) -> None:
    """Let the password alone be enough, end all other sessions, and tell the owner; a step."""
    TwoFactor.objects.filter(pk=factor.pk).delete()
    revoke_sessions(user=user, spare=spare)
    post(purpose=MailPurpose.TWO_FACTOR_OFF, user_ids=[user.pk])


def _prove(user: User, password: str, code: str, now: datetime) -> TwoFactor:
    factor = selectors.find(TwoFactor.objects.filter(user=user).confirmed())
    if factor is None:
        raise TwoFactorNotOn
    require_password(user=user, password=password, field="password")
    if not _spend_try(factor, code, now):
        raise InvalidTwoFactorCode
    return factor


def _spend_try(factor: TwoFactor, code: str, now: datetime) -> bool:
    """Count the try before anything is compared; a right code makes the wrong ones forgotten."""
    key = f"second factor of user {factor.user_id}"
    verdict = budgets.spend(key, budgets.Rate.parse(settings.THROTTLE_RATES["two_factor"]))
    if not verdict.is_allowed:
        raise TooManyTwoFactorCodes(seconds=verdict.retry_after_seconds)
    is_right = (
        _use_step(factor, code, now)
        if code.isascii() and code.isdigit() and len(code) == totp.DIGITS
        else _use_recovery_code(factor, code, now)
    )
    if is_right:
        budgets.IN_DATABASE.forget(key)
    return is_right


def _use_step(factor: TwoFactor, code: str, now: datetime) -> bool:
    """Use up the code and all before it; of two at the same moment one finds it used.

    Where no key opens the secret any more no code is right, and the operator is told.
    """
    try:
        secret = sealing.unseal(factor.sealed_secret)
    except sealing.BrokenSeal:
        logger.error(
            "No key of SECRET_KEY and SECRET_KEY_FALLBACKS opens the second factor of user %s;"
            " see docs/operating.md, Rotating keys",
            factor.user_id,
        )
        return False
    tolerance = settings.TOTP_TOLERANCE_STEPS
    step = totp.matching_step(secret, code, now=now, tolerance=tolerance)
    if step is None:
        return False
    unused = TwoFactor.objects.filter(
        pk=factor.pk, sealed_secret=factor.sealed_secret, last_step__lt=step
    )
    return bool(unused.update(last_step=step))


def _use_recovery_code(factor: TwoFactor, code: str, now: datetime) -> bool:
    wanted = "".join(letter for letter in code.lower() if letter in _LETTERS)
    hashes = [
        _hash_of(wanted, factor, secret=secret)
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    unused = RecoveryCode.objects.filter(factor=factor, code_hash__in=hashes, used_at=None)
    return bool(unused.update(used_at=now))


def _switch_on(factor: TwoFactor, user: User, session: Session | None, now: datetime) -> list[str]:
    same = TwoFactor.objects.filter(
        pk=factor.pk, sealed_secret=factor.sealed_secret, confirmed_at=None
    )
    if not same.update(confirmed_at=now):
        raise TwoFactorNotOn  # begun anew meanwhile
    codes = _new_codes(factor)
    revoke_sessions(user=user, spare=session)
    post(purpose=MailPurpose.TWO_FACTOR_ON, user_ids=[user.pk])
    return codes


def _renew_codes(factor: TwoFactor) -> list[str]:
    selectors.hold_caller(user_id=factor.user_id)
    post(purpose=MailPurpose.RECOVERY_CODES_RENEWED, user_ids=[factor.user_id])
    return _new_codes(factor)


def _new_codes(factor: TwoFactor) -> list[str]:
    TwoFactor.objects.select_for_update().get(pk=factor.pk)  # two renewals wait for one another
    RecoveryCode.objects.filter(factor=factor).delete()
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(24)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(factor=factor, code_hash=_hash_of(code, factor, secret=settings.SECRET_KEY))
        for code in codes
    )
    return ["-".join(code[at : at + 6] for at in range(0, 24, 6)) for code in codes]


def _hash_of(code: str, factor: TwoFactor, *, secret: str) -> str:
    text = f"{factor.user_id}:{code}"
    return salted_hmac(
        "accounts.recovery_code", text, secret=secret, algorithm="sha256"
    ).hexdigest()
