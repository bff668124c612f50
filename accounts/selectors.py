"""Reads of accounts that more than one use case needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest
from rest_framework.request import Request

from accounts.errors import InvalidToken, UserNotFound
from accounts.models import EmailChange, RecoveryCode, TwoFactor, User
from shop_backend.kernel import callers, statements

Row = TypeVar("Row", bound=Model)

UNVERIFIED_LIFETIME = timedelta(hours=24)
EMAIL_CHANGE_LIFETIME = timedelta(hours=24)


def find(rows: QuerySet[Row]) -> Row | None:
    """Return the one row that a unique condition leaves, ``None`` where there is none."""
    try:
        return rows.get()
    except ObjectDoesNotExist:
        return None


def signed_in(request: HttpRequest | Request) -> User:
    """Return the caller, of a view that lets in nobody who is not signed in."""
    user: Any = request.user
    return user


def get_user(*, user_id: int) -> User:
    """Return one user.

    :raises UserNotFound: there is none.
    """
    try:
        return User.objects.get(pk=user_id)
    except User.DoesNotExist as error:
        raise UserNotFound from error


def get_by_login(login: str) -> User | None:
    """Return whoever logs in under this name: with ``@`` an email, else a username."""
    if "@" in login:
        return get_by_email(login)
    return get_by_username(login)


def get_by_username(username: str) -> User | None:
    """Return the account that has this username, in any case."""
    rows = User.objects.filter(username_key=Lower(Value(username)))
    return _exact(rows, "username", username)


def get_by_email(email: str) -> User | None:
    """Return the account that has this address, in any case, verified or not."""
    rows = _asked_for_rights(User.objects.filter(email_key=Lower(Value(email))))
    return _exact(rows, "email", email)


def lock_by_email(email: str) -> User | None:
    """Lock and return the account that has this address, in any case."""
    rows = User.objects.select_for_update().filter(email_key=Lower(Value(email)))
    return _exact(_asked_for_rights(rows), "email", email)


def lock_by_username(username: str) -> User | None:
    """Lock and return the account that has this username, in any case."""
    rows = User.objects.select_for_update().filter(username_key=Lower(Value(username)))
    return _exact(_asked_for_rights(rows), "username", username)


def lock_turns(*, user_id: int) -> None:
    """Let whoever asks this of the same person wait for one another, to the end of the transaction.

    What only points at the person, as their keys do, does not wait, where the database can tell.

    :raises InvalidToken: their account has ended meanwhile.
    """
    _get_caller(User.objects.only("pk"), user_id)


def lock_caller(*, user_id: int) -> User:
    """Lock and return whoever asks, as they are now, before something is written for them.

    The token was checked before this transaction. An account that has ended since has forgotten
    what it knew of the person, and would keep what is written now. As ``lock_turns``, so before
    carts, orders, addresses and codes.

    :raises InvalidToken: their account has ended meanwhile.
    """
    return _get_caller(User.objects.all(), user_id)


def hold_caller(*, user_id: int) -> None:
    """Let whoever asks not end their account before the transaction ends; see ``lock_caller``.

    Nobody else waits, the same person's other requests least of all.

    :raises InvalidToken: their account has ended meanwhile.
    """
    if not statements.read(f"SELECT id {callers.source()}", [user_id]):  # nosec B608
        raise InvalidToken


def _get_caller(people: QuerySet[User], user_id: int) -> User:
    no_key = connection.features.has_select_for_no_key_update
    caller = find(people.select_for_update(no_key=no_key).filter(pk=user_id, is_active=True))
    if caller is None:
        raise InvalidToken
    return caller


def get_pending_email_change_to(email: str, *, now: datetime) -> EmailChange | None:
    """Return the change that waits for a code sent to this address."""
    changes = EmailChange.objects.to_address(email).waiting(now - EMAIL_CHANGE_LIFETIME)
    return _exact(changes.filter(user__is_active=True), "new_email", email)


def get_pending_email_change(user: User, *, now: datetime) -> EmailChange | None:
    """Return the user's own change that still waits for its code."""
    changes = EmailChange.objects.filter(user=user)
    return find(changes.waiting(now - EMAIL_CHANGE_LIFETIME))


def lock_pending_email_change(user: User, *, now: datetime) -> EmailChange | None:
    """Lock and return the user's own change that still waits for its code."""
    changes = EmailChange.objects.select_for_update().filter(user=user)
    return find(changes.waiting(now - EMAIL_CHANGE_LIFETIME))


def registrations() -> QuerySet[User]:
    """Return the accounts that are registrations still: never verified, never logged in.

    Who is of staff is none, whatever else they have or have not done.
    """
    return User.objects.filter(
        ~_holds_rights(),
        email__isnull=False,
        email_verified_at=None,
        last_login=None,
        is_active=True,
        is_staff=False,
        is_superuser=False,
    )


def is_registration(user: User) -> bool:
    """Return whether this is a registration still, which reserves nothing."""
    never_used = user.email_verified_at is None and user.last_login is None
    return bool(user.email) and never_used and user.is_active and not is_of_staff(user)


def is_dead(user: User, *, now: datetime) -> bool:
    """Return whether this is a registration that nobody verified in time."""
    return user.date_joined <= now - UNVERIFIED_LIFETIME and is_registration(user)


def may_log_in(user: User) -> bool:
    """Return whether the two facts a login needs are both true."""
    return user.is_active and (not user.email or user.email_verified_at is not None)


def is_of_staff(user: User) -> bool:
    """Return whether this is no customer's account: it enters the admin site or has any right.

    A deactivated account counts with what it would have again.
    """
    return user.is_staff or user.is_superuser or user.holds_rights


def rights_given_by(groups: Iterable[Group]) -> set[str]:
    """Return the permissions, as ``app.codename``, that these groups grant."""
    return _named(Permission.objects.filter(group__in=list(groups)))


def may_manage(actor: User, user: User) -> bool:
    """Return whether somebody's account is within this member of the staff's reach.

    Nobody manages an account with rights that they lack: setting its password would be a way to
    them. A deactivated account counts with what it would have again.
    """
    if actor.is_superuser:
        return True
    if user.is_superuser:
        return False
    return _rights_of(user) <= set(actor.get_all_permissions())


def _rights_of(user: User) -> set[str]:
    return _named(Permission.objects.filter(Q(group__user=user) | Q(user=user)))


def _named(permissions: QuerySet[Permission]) -> set[str]:
    pairs = permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


@dataclass(frozen=True)
class TwoFactorState:
    """How things stand with somebody's second factor."""

    is_on: bool
    is_required: bool
    recovery_codes_left: int


def get_two_factor_state(user: User) -> TwoFactorState:
    """Return whether it is on, whether a role demands it, and what recovery codes are left."""
    factors = TwoFactor.objects.filter(user=user).confirmed()
    is_on = factors.exists()
    roles = {group.name for group in user.groups.all()}
    if user.is_superuser:
        roles.add("admin")
    left = RecoveryCode.objects.filter(factor__in=factors, used_at=None).count()
    return TwoFactorState(
        is_on=is_on,
        is_required=bool(roles & set(settings.TWO_FACTOR_ROLES)),
        recovery_codes_left=left,
    )


def searched(text: str) -> Q:
    """Return the condition that finds a person by a part of a name or address."""
    return (
        Q(username__icontains=text)
        | Q(email__icontains=text)
        | Q(first_name__icontains=text)
        | Q(last_name__icontains=text)
    )


def _asked_for_rights(rows: QuerySet[User]) -> QuerySet[User]:
    """Have ``holds_rights`` read along with the rows, and not by a statement for each."""
    return rows.annotate(holds_rights=_holds_rights())  # type: ignore[no-redef]  # what the model's own would ask for


def _holds_rights() -> Q:
    own = Permission.objects.filter(user=OuterRef("pk"))
    of_roles = Permission.objects.filter(group__user=OuterRef("pk"))
    return Q(Exists(own)) | Q(Exists(of_roles))


def _exact(rows: QuerySet[Row], field: str, name: str) -> Row | None:
    # Some collations take accents for plain letters, and PostgreSQL makes an i of İ: the name is
    # somebody else's then, and each such spelling would be counted apart.
    for row in rows:
        if (getattr(row, field) or "").lower() == name.lower():
            return row
    return None
