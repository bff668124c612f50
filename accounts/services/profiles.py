"""Profiles: changed by their owner, by staff, and ended."""

import secrets
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts import selectors
from accounts.errors import (
    EmailTaken,
    InvalidToken,
    NotYourEmail,
    OwnAccount,
    ProtectedAccount,
    StaffAccount,
)
from accounts.mailbox import MailPurpose, post
from accounts.models import EmailChange, Otp, OtpPurpose, Session, TwoFactor, User
from accounts.ports import personal_data
from accounts.services import otps
from accounts.services.presence import require_presence, require_unchanged_password
from accounts.services.signing_out import revoke_sessions
from accounts.services.two_factor import require_second_factor_as_well
from shop_backend.kernel import transactions
from shop_backend.kernel.models import IdempotencyKey


def update_profile(
    *,
    user: User,
    session: Session | None,
    first_name: str | None = None,
    last_name: str | None = None,
    email: str | None = None,
    current_password: str = "",
    otp: str = "",
) -> User:
    """Change one's own profile; ``None`` leaves a value as it is.

    A new email waits for the code that is mailed to it, while the old address is told. Whoever
    waited for the same address before waits no more.

    :param current_password: for a new email, unless the login is younger than ten minutes.
    :param otp: of the second factor, where there is one and the password is asked for.
    :raises PasswordRequired, InvalidPassword, TooManyPasswords: see ``require_presence``.
    :raises TwoFactorCodeRequired, InvalidTwoFactorCode: see ``require_second_factor_as_well``.
    :raises EmailTaken: somebody else has verified the new address.
    :raises OtpCooldown: a code for the new address was asked for too recently or too often.
    :raises InvalidToken: the account has ended meanwhile.
    """
    if email and email != user.email:
        require_presence(user=user, session=session, current_password=current_password)
        require_second_factor_as_well(user=user, session=session, code=otp)
    return _update_profile(user, first_name, last_name, email)


@transactions.use_case
def _update_profile(
    proven: User, first_name: str | None, last_name: str | None, email: str | None
) -> User:
    now = timezone.now()
    is_new_email = email != proven.email
    if email and is_new_email:
        otps.count_request(purpose=OtpPurpose.ACTIVATION, email=email, now=now)
    user = selectors.lock_caller(user_id=proven.pk)
    if email and is_new_email:
        require_unchanged_password(locked=user, proven=proven, field="current_password")
    _rename(user, first_name, last_name)
    if email and is_new_email:
        _request_email_change(user, email, now)
    return user


@transactions.use_case
def update_user_as_staff(
    *,
    user: User,
    actor: User,
    first_name: str | None = None,
    last_name: str | None = None,
    email: str | None = None,
    is_active: bool | None = None,
) -> User:
    """Change somebody's names, or let them in or not; ``None`` leaves a value as it is.

    :raises NotYourEmail: another email than the present one was sent.
    :raises OwnAccount: staff deactivate themselves.
    :raises ProtectedAccount: the account has rights that the actor lacks.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if not selectors.may_manage(actor, user):
        raise ProtectedAccount
    if email and email.lower() != (user.email or "").lower():
        raise NotYourEmail
    _rename(user, first_name, last_name)
    if is_active is not None:
        set_active(user=user, actor=actor, is_active=is_active)
    return user


@transactions.use_case
def set_active(*, user: User, actor: User, is_active: bool) -> None:
    """Let somebody in, or not: then all their sessions end.

    :raises OwnAccount: staff deactivate themselves.
    """
    if user.pk == actor.pk and not is_active:
        raise OwnAccount
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    if not is_active:
        revoke_sessions(user=user)
        Otp.objects.filter(user=user).delete()


def delete_own_account(
    *, user: User, session: Session | None, current_password: str, now: datetime | None = None
) -> None:
    """Anonymise an account at its owner's wish; the books stay.

    :param current_password: may be empty within ten minutes of a login.
    :raises PasswordRequired, InvalidPassword, TooManyPasswords: see ``require_presence``.
    :raises StaffAccount: staff do not vanish by themselves.
    :raises InvalidToken: the account has ended meanwhile.
    """
    has_rights = bool(user.get_all_permissions())  # read with a customer's token: there are none
    if user.is_staff or user.is_superuser or has_rights:
        raise StaffAccount
    require_presence(user=user, session=session, current_password=current_password, now=now)
    _delete_own_account(user)


@transactions.use_case
def _delete_own_account(proven: User) -> None:
    user = User.objects.select_for_update().get(pk=proven.pk)
    if not user.is_active:
        raise InvalidToken
    if user.is_staff or user.is_superuser:
        raise StaffAccount
    require_unchanged_password(locked=user, proven=proven, field="current_password")
    _anonymise(user)


@transactions.use_case
def delete_account_as_staff(*, user: User) -> None:
    """Anonymise a customer's account; the books stay.

    :raises StaffAccount: it is none of a customer.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if selectors.is_of_staff(user):
        raise StaffAccount
    _anonymise(user)


def _rename(user: User, first_name: str | None, last_name: str | None) -> None:
    changed = []
    for name, value in (("first_name", first_name), ("last_name", last_name)):
        if value is not None:
            setattr(user, name, value)
            changed.append(name)
    if changed:
        user.save(update_fields=changed)


def _request_email_change(user: User, email: str, now: datetime) -> None:
    # Locked: a code that is being made for the holder is finished, and dies below.
    holder = selectors.lock_by_email(email)
    is_free = holder is None or holder.pk == user.pk or selectors.is_registration(holder)
    if not is_free:
        raise EmailTaken
    EmailChange.objects.filter(user=user).delete()
    EmailChange.objects.to_address(email).delete()
    Otp.objects.filter(user=user, purpose=OtpPurpose.ACTIVATION).delete()
    Otp.objects.sent_to(email, OtpPurpose.ACTIVATION).delete()
    EmailChange.objects.create(
        user=user, old_email=user.email or "", new_email=email, requested_at=now
    )
    if user.email:
        post(purpose=MailPurpose.EMAIL_CHANGE_NOTICE, user_ids=[user.pk])
    post(purpose=MailPurpose.ACTIVATION, user_ids=[user.pk])


def _forget_in_admin_log(user: User) -> None:
    """Django's log of the admin site writes down what each object was called."""
    people = ContentType.objects.get_for_model(User)
    about = LogEntry.objects.filter(content_type=people, object_id=str(user.pk))
    about.update(object_repr=f"deleted account {user.pk}")


def _anonymise(user: User) -> None:
    """Forget the person; the caller has locked the row, so nobody writes for them meanwhile.

    Whoever writes for a person waits for the row here and then finds them gone: see
    ``selectors.lock_caller`` and ``shop_backend.kernel.callers``.
    """
    for holder in personal_data.answerer:
        holder.forget(user_id=user.pk)
    user.groups.clear()
    user.sessions.all().delete()
    user.otps.all().delete()
    TwoFactor.objects.filter(user=user).delete()
    EmailChange.objects.filter(user=user).delete()
    IdempotencyKey.objects.filter(user=user).delete()  # they hold answers with names in them
    _forget_in_admin_log(user)
    user.username = f"deleted-{user.pk}-{secrets.token_hex(4)}"
    user.email = user.email_verified_at = None
    user.first_name = user.last_name = ""
    user.is_active = False
    user.set_unusable_password()
    user.save(
        update_fields=[
            "username",
            "email",
            "email_verified_at",
            "first_name",
            "last_name",
            "is_active",
            "password",
        ]
    )
