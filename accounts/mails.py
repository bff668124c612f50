"""The sender of accounts' mails: codes and link tokens are made here, at sending."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import selectors, tokens
from accounts.mailbox import MailPurpose
from accounts.models import EmailChange, OtpPurpose, User
from accounts.services.otps import LIFETIME, make_code
from shop_backend.kernel import letters, transactions

_SUBJECTS = {
    MailPurpose.ACTIVATION: "Your code for {shop}",
    MailPurpose.RESET_CODE: "Your code for a new password at {shop}",
    MailPurpose.RESET_LINK: "A new password at {shop}",
    MailPurpose.RESET_LINK_AND_TOKEN: "A new password at {shop}",
    MailPurpose.EMAIL_CHANGE_NOTICE: "The email of your account at {shop} is to change",
    MailPurpose.EMAIL_CHANGED: "The email of your account at {shop} was changed",
    MailPurpose.PASSWORD_CHANGED: "Your password at {shop} was changed",
    MailPurpose.TWO_FACTOR_ON: "Your second factor at {shop} is on",
    MailPurpose.TWO_FACTOR_OFF: "Your second factor at {shop} is off",
    MailPurpose.RECOVERY_CODES_RENEWED: "Your recovery codes at {shop} are new",
}


@dataclass(frozen=True)
class _Letter:
    """One mail, ready to be written."""

    to: str
    user: User
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)


@transactions.forbids_transaction
def deliver(payload: Mapping[str, Any]) -> None:
    """Write and send the mail that an outbox row asks for, if it still has a reader."""
    purpose = MailPurpose(payload["purpose"])
    letter = transactions.run(partial(_write, purpose, payload["user_id"] or 0, timezone.now()))
    if letter is not None:
        _send(letter, purpose)


def _write(purpose: MailPurpose, user_id: int, now: datetime) -> _Letter | None:
    # Locked: whoever replaces this registration either waits for the code, which then dies, or
    # is seen here.
    rows = User.objects.select_for_update().filter(pk=user_id, is_active=True)
    user = selectors.find(rows)
    return None if user is None else _WRITERS[purpose](user, now)


def _activation(user: User, now: datetime) -> _Letter | None:
    change = selectors.lock_pending_email_change(user, now=now)
    if change is not None:
        code = _code(user, OtpPurpose.ACTIVATION, change.new_email, now)
        return _Letter(change.new_email, user, "email_change_code", {"code": code})
    if not user.email or user.email_verified_at or selectors.is_dead(user, now=now):
        return None
    code = _code(user, OtpPurpose.ACTIVATION, user.email, now)
    link = _link("ACTIVATION_URL", user, tokens.activation_tokens.make_token(user))
    return _Letter(user.email, user, "activation", {"code": code, "link": link})


def _reset_code(user: User, now: datetime) -> _Letter | None:
    if not user.email:
        return None
    code = _code(user, OtpPurpose.PASSWORD_RESET, user.email, now)
    return _Letter(user.email, user, "reset_code", {"code": code})


def _reset_link(user: User, now: datetime) -> _Letter | None:
    if not user.email:
        return None
    token = tokens.reset_tokens.make_token(user)
    context = {
        "link": _link("PASSWORD_RESET_CONFIRM_URL", user, token),
        "uid": tokens.encode_uid(user),
        "token": token,
    }
    return _Letter(user.email, user, "reset_link", context)


def _reset_link_and_token(user: User, now: datetime) -> _Letter | None:
    letter = _reset_link(user, now)
    if letter is None:
        return None
    joined = tokens.join_uid_and_token(letter.context["uid"], letter.context["token"])
    return _Letter(letter.to, user, letter.template, {**letter.context, "one_part_token": joined})


def _email_change_notice(user: User, now: datetime) -> _Letter | None:
    change = selectors.find(EmailChange.objects.filter(user=user))
    if change is None or not change.old_email:
        return None
    return _Letter(change.old_email, user, "email_change_notice")


def _email_changed(user: User, now: datetime) -> _Letter | None:
    change = selectors.find(EmailChange.objects.filter(user=user, confirmed_at__isnull=False))
    if change is None or not change.old_email:
        return None
    return _Letter(change.old_email, user, "email_changed")


def _password_changed(user: User, now: datetime) -> _Letter | None:
    return _Letter(user.email, user, "password_changed") if user.email else None


def _two_factor_on(user: User, now: datetime) -> _Letter | None:
    return _Letter(user.email, user, "two_factor_on") if user.email else None


def _two_factor_off(user: User, now: datetime) -> _Letter | None:
    return _Letter(user.email, user, "two_factor_off") if user.email else None


def _recovery_codes_renewed(user: User, now: datetime) -> _Letter | None:
    return _Letter(user.email, user, "recovery_codes_renewed") if user.email else None


_WRITERS = {
    MailPurpose.ACTIVATION: _activation,
    MailPurpose.RESET_CODE: _reset_code,
    MailPurpose.RESET_LINK: _reset_link,
    MailPurpose.RESET_LINK_AND_TOKEN: _reset_link_and_token,
    MailPurpose.EMAIL_CHANGE_NOTICE: _email_change_notice,
    MailPurpose.EMAIL_CHANGED: _email_changed,
    MailPurpose.PASSWORD_CHANGED: _password_changed,
    MailPurpose.TWO_FACTOR_ON: _two_factor_on,
    MailPurpose.TWO_FACTOR_OFF: _two_factor_off,
    MailPurpose.RECOVERY_CODES_RENEWED: _recovery_codes_renewed,
}


def _code(user: User, purpose: OtpPurpose, email: str, now: datetime) -> str:
    return make_code(user=user, purpose=purpose, email=email, now=now)


def _link(name: str, user: User, token: str) -> str:
    path = str(settings.DJOSER[name]).format(uid=tokens.encode_uid(user), token=token)
    return letters.frontend_link(path)


def _send(letter: _Letter, purpose: MailPurpose) -> None:
    letters.send(
        to=letter.to,
        subject=_SUBJECTS[purpose].format(shop=settings.SHOP_NAME),
        template=f"accounts/mails/{letter.template}",
        context={
            **letter.context,
            "username": letter.user.username,
            "minutes": LIFETIME.seconds // 60,
            "reset_minutes": tokens.reset_tokens.lifetime.seconds // 60,
        },
    )
