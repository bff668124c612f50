"""Registrations: made, replaced, verified, dead."""

import re
import secrets
from datetime import datetime
from functools import partial

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import selectors, tokens
from accounts.errors import (
    AlreadyActivated,
    EmailTaken,
    InvalidActivationToken,
    InvalidOtp,
    UsernameTaken,
)
from accounts.mailbox import MailPurpose, post
from accounts.models import EmailChange, Otp, OtpPurpose, User
from accounts.roles import CUSTOMER
from accounts.services import otps
from accounts.services.passwords import require_strong
from shop_backend.kernel import sweeping, transactions
from shop_backend.kernel.errors import ShopError

_NOT_IN_A_USERNAME = re.compile(r"[^A-Za-z0-9_.+-]+")
# What a new registration replaces of an old one.
_REGISTERED = ["username", "email", "password", "first_name", "last_name", "date_joined"]


@transactions.use_case
def register(
    *,
    email: str | None,
    password: str,
    username: str = "",
    first_name: str = "",
    last_name: str = "",
    now: datetime | None = None,
) -> User:
    """Make an account; with an email it waits for its code, without one it is ready.

    An unverified registration reserves nothing: it is replaced by a new one for its email, and
    loses its username to whoever wants it. So is somebody's change to this email.

    :param username: made from the email where empty.
    :raises EmailTaken, UsernameTaken: by an account that is more than a registration.
    :raises OtpCooldown: the address was sent in too recently or too often.
    """
    now = now or timezone.now()
    user = User()
    if email:
        # Counts the mail, and lets two registrations of one address pass one after the other.
        otps.count_request(purpose=OtpPurpose.ACTIVATION, email=email, now=now)
        user = _registration_to_replace(email) or user
        EmailChange.objects.to_address(email).delete()
        Otp.objects.sent_to(email, OtpPurpose.ACTIVATION).delete()
    user.email = email or None
    user.first_name, user.last_name, user.date_joined = first_name, last_name, now
    user.username = _claim_username(username, user)
    require_strong(password, user=user, field="password")
    user.password = make_password(password)
    try:
        _save(user)
    except UsernameTaken:
        if username:
            raise
        user.username = _with_suffix(user.username)  # nobody asked for the one that was taken
        _save(user)
    if email:
        post(purpose=MailPurpose.ACTIVATION, user_ids=[user.pk])
    return user


@transactions.use_case
def request_activation_code(*, email: str, now: datetime | None = None) -> None:
    """Mail a new code (and the old one dies) if something waits to be verified there.

    :raises OtpCooldown: it was asked for too recently or too often, by anybody or nobody.
    """
    now = now or timezone.now()
    otps.note_request(purpose=OtpPurpose.ACTIVATION, email=email, now=now)
    user = selectors.get_by_email(email)
    change = selectors.get_pending_email_change_to(email, now=now)
    # One code for one address; a change is the later wish, for a registration ends those before.
    if change is not None:
        waiting = [change.user_id]
    else:
        waiting = [user.pk] if user is not None and _is_waiting(user, now) else []
    post(purpose=MailPurpose.ACTIVATION, user_ids=waiting)


@transactions.forbids_transaction  # a wrong try stays counted when it is refused
def verify_email(*, email: str, code: str, now: datetime | None = None) -> None:
    """Verify an address by the code that was mailed to it; nothing else changes.

    The address is a registration's, or the new one of a change of email, which takes effect.

    :raises InvalidOtp: the code is wrong, used up or expired, or nobody waits for it.
    :raises EmailTaken: somebody else has verified the new address in the meantime.
    """
    refusal = transactions.run(partial(_verify_email, email, code, now or timezone.now()))
    if refusal is not None:
        raise refusal


@transactions.use_case
def activate_by_link(*, uid: str, token: str, now: datetime | None = None) -> None:
    """Verify a registration's address by the link in its mail.

    :raises InvalidActivationToken: it never was, has expired, or the registration was replaced.
    :raises AlreadyActivated: the address is verified.
    """
    now = now or timezone.now()
    user_id = tokens.decode_uid(uid)
    rows = User.objects.select_for_update().filter(pk=user_id or 0, is_active=True)
    user = selectors.find(rows)
    if user is None or not tokens.activation_tokens.check_token(user, token):
        raise InvalidActivationToken
    if user.email_verified_at is not None:
        raise AlreadyActivated
    if not _is_waiting(user, now):
        raise InvalidActivationToken
    _mark_verified(user, now)


@transactions.use_case
def delete_dead_registrations(*, now: datetime | None = None) -> int:
    """Delete the registrations that nobody verified within 24 hours; return how many."""
    dead_before = (now or timezone.now()) - selectors.UNVERIFIED_LIFETIME
    dead = selectors.registrations().filter(date_joined__lte=dead_before)
    pks = list(sweeping.free_rows(dead.order_by("pk")).values_list("pk", flat=True)[:1000])
    rows = selectors.registrations().select_for_update().filter(pk__in=pks)
    locked = list(rows.order_by("pk"))
    for user in locked:
        user.delete()
    return len(locked)


def _registration_to_replace(email: str) -> User | None:
    holder = selectors.lock_by_email(email)
    if holder is not None and not selectors.is_registration(holder):
        raise EmailTaken
    return holder


def _claim_username(username: str, user: User) -> str:
    if not username:
        return _username_from(user)
    holder = selectors.lock_by_username(username)
    if holder is None or holder.pk == user.pk:
        return username
    if not selectors.is_registration(holder):
        raise UsernameTaken
    holder.username = _with_suffix(holder.username)
    holder.save(update_fields=["username"])
    return username


def _username_from(user: User) -> str:
    local = (user.email or "").partition("@")[0]
    username = _NOT_IN_A_USERNAME.sub("", local)[:100] or CUSTOMER
    holder = selectors.lock_by_username(username)
    if holder is None or holder.pk == user.pk:
        return username
    return _with_suffix(username)


def _with_suffix(username: str) -> str:
    return f"{username[:120]}-{secrets.token_hex(4)}"


def _save(user: User) -> None:
    is_new = user.pk is None
    try:
        with transaction.atomic():
            user.save(update_fields=None if is_new else _REGISTERED)
            user.groups.add(*Group.objects.filter(name=CUSTOMER))
    except IntegrityError as error:  # somebody was faster
        if is_new and user.email and selectors.get_by_email(user.email) is not None:
            raise EmailTaken from error
        raise UsernameTaken from error
    Otp.objects.filter(user=user).delete()


def _verify_email(email: str, code: str, now: datetime) -> ShopError | None:
    """Return the refusal instead of raising it, so that the try is committed."""
    otp = otps.spend_try(purpose=OtpPurpose.ACTIVATION, email=email, code=code, now=now)
    if otp is None:
        return InvalidOtp()
    user = User.objects.select_for_update().get(pk=otp.user_id)
    if not user.is_active:
        return InvalidOtp()
    if _is_waiting(user, now) and (user.email or "").lower() == otp.email.lower():
        _mark_verified(user, now)
        return None
    change = selectors.get_pending_email_change(user, now=now)
    if change is None or change.new_email.lower() != otp.email.lower():
        return InvalidOtp()
    return _take_new_email(user, change, now)


def _take_new_email(user: User, change: EmailChange, now: datetime) -> ShopError | None:
    holder = selectors.lock_by_email(change.new_email)
    if holder is not None and holder.pk != user.pk:
        if not selectors.is_registration(holder):
            return EmailTaken()
        holder.delete()
    user.email = change.new_email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError:  # somebody was faster
        return EmailTaken()
    _mark_verified(user, now)
    change.confirmed_at = now
    change.save(update_fields=["confirmed_at"])
    # What was mailed to the old address opens nothing any more.
    Otp.objects.filter(user=user).delete()
    post(purpose=MailPurpose.EMAIL_CHANGED, user_ids=[user.pk])
    return None


def _mark_verified(user: User, now: datetime) -> None:
    user.email_verified_at = now
    user.save(update_fields=["email_verified_at"])
    Otp.objects.filter(user=user, purpose=OtpPurpose.ACTIVATION).delete()


def _is_waiting(user: User, now: datetime) -> bool:
    """Return whether the account's own address waits to be verified."""
    has_unverified = bool(user.email) and user.email_verified_at is None
    return has_unverified and user.is_active and not selectors.is_dead(user, now=now)
