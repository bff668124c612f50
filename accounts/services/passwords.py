"""Passwords: strong enough, changed, reset by link and by code."""

from datetime import datetime
from functools import partial

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import selectors, tokens
from accounts.errors import (
    InvalidOtp,
    InvalidResetToken,
    OtpCooldown,
    WeakPassword,
)
from accounts.mailbox import MailPurpose, post
from accounts.models import Otp, OtpPurpose, Session, User
from accounts.services import otps
from accounts.services.guessing import forget_guesses
from accounts.services.presence import require_password, require_unchanged_password
from accounts.services.signing_out import revoke_sessions
from shop_backend.kernel import budgets, transactions
from shop_backend.kernel.errors import ShopError


def require_strong(password: str, *, user: User, field: str) -> None:
    """Hold a new password against the rules, the user's own names included.

    :raises WeakPassword: under the name of the field that carried it.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(field=field, reasons=error.messages) from error


@transactions.forbids_transaction  # a wrong try stays counted when it is refused
def change_password(
    *, user: User, old_password: str, new_password: str, field: str, session: Session | None
) -> None:
    """Give a signed-in person a new password and end all their other sessions.

    :param field: the name under which the client sent the old password.
    :param session: the caller's own, which stays.
    :raises InvalidPassword: the old password is not this one.
    :raises InvalidToken: the account has ended meanwhile.
    :raises TooManyPasswords: see ``require_password``, as for what else it refuses.
    """
    require_password(user=user, password=old_password, field=field)
    transactions.run(partial(_change_password, user, new_password, field, session))


@transactions.use_case
def note_password_set_in_admin(*, user: User) -> None:
    """End the sessions of a person whose password was set on the admin site, and tell them."""
    revoke_sessions(user=user)
    post(purpose=MailPurpose.PASSWORD_CHANGED, user_ids=[user.pk])


@transactions.use_case
def request_reset_link(*, email: str, purpose: MailPurpose = MailPurpose.RESET_LINK) -> None:
    """Mail a link for a new password, if there is an account to mail it to.

    :raises OtpCooldown: it was asked for too often with this address, known or not.
    """
    _count_reset_mail(email)
    user = _resettable(email, now=timezone.now())
    post(purpose=purpose, user_ids=[user.pk] if user else [])


@transactions.use_case
def request_reset_code(*, email: str, now: datetime | None = None) -> None:
    """Mail a code for a new password, if there is an account to mail it to.

    :raises OtpCooldown: it was asked for too recently or too often.
    """
    now = now or timezone.now()
    otps.note_request(purpose=OtpPurpose.PASSWORD_RESET, email=email, now=now)
    user = _resettable(email, now=now)
    post(purpose=MailPurpose.RESET_CODE, user_ids=[user.pk] if user else [])


@transactions.use_case
def reset_password_by_link(*, uid: str, token: str, new_password: str, field: str) -> User:
    """Set a new password by the two parts of a mailed link and end all sessions.

    :raises InvalidResetToken: it was used, has expired, or never was.
    """
    user_id = tokens.decode_uid(uid)
    rows = User.objects.select_for_update().filter(pk=user_id or 0, is_active=True)
    user = selectors.find(rows)
    if user is None or not tokens.reset_tokens.check_token(user, token):
        raise InvalidResetToken
    _reset(user, new_password, field=field)
    return user


@transactions.forbids_transaction  # a wrong try stays counted when it is refused
def reset_password_by_code(
    *, email: str, code: str, new_password: str, now: datetime | None = None
) -> None:
    """Set a new password by a mailed code and end all sessions.

    :raises InvalidOtp: the code is wrong, used up or expired, or nobody has this address.
    """
    work = partial(_reset_by_code, email, code, new_password, now or timezone.now())
    refusal = transactions.run(work)
    if refusal is not None:
        raise refusal


def _change_password(proven: User, new_password: str, field: str, session: Session | None) -> None:
    user = selectors.lock_caller(user_id=proven.pk)
    require_unchanged_password(locked=user, proven=proven, field=field)
    require_strong(new_password, user=user, field="new_password")
    _set_password(user, new_password)
    revoke_sessions(user=user, spare=session)
    post(purpose=MailPurpose.PASSWORD_CHANGED, user_ids=[user.pk])


def _reset_by_code(email: str, code: str, new_password: str, now: datetime) -> ShopError | None:
    """Return the refusal instead of raising it, so that the try is committed."""
    otp = otps.spend_try(purpose=OtpPurpose.PASSWORD_RESET, email=email, code=code, now=now)
    if otp is None:
        return InvalidOtp()
    user = User.objects.select_for_update().get(pk=otp.user_id)
    if not user.is_active or (user.email or "").lower() != otp.email.lower():
        return InvalidOtp()
    try:
        _reset(user, new_password, field="new_password")
    except WeakPassword as error:
        return error
    return None


def _reset(user: User, new_password: str, *, field: str) -> None:
    require_strong(new_password, user=user, field=field)
    _set_password(user, new_password)
    Otp.objects.filter(user=user, purpose=OtpPurpose.PASSWORD_RESET).delete()
    forget_guesses(user)
    revoke_sessions(user=user)
    post(purpose=MailPurpose.PASSWORD_CHANGED, user_ids=[user.pk])


def _set_password(user: User, password: str) -> None:
    user.password = make_password(password)
    user.save(update_fields=["password"])


def _count_reset_mail(email: str) -> None:
    """Count the mail: one more every twelve minutes, so that whoever asks, a live link is there."""
    if not settings.RATE_LIMITS:
        return
    rate = budgets.Rate.parse(settings.THROTTLE_RATES["reset_mail"])
    verdict = budgets.spend(f"reset mail of {otps.digest_of(email)}", rate)
    if not verdict.is_allowed:
        raise OtpCooldown(seconds=verdict.retry_after_seconds)


def _resettable(email: str, *, now: datetime) -> User | None:
    user = selectors.get_by_email(email)
    if user is None or not user.is_active or selectors.is_dead(user, now=now):
        return None
    return user
