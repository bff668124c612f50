"""Whether it is the person themselves who sits at a device that is signed in."""

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.errors import InvalidPassword, PasswordRequired
from accounts.models import Session, User
from accounts.services.guessing import counted_try

RECENT_LOGIN = timedelta(minutes=10)


def require_password(*, user: User, password: str, field: str) -> None:
    """Have somebody signed in prove themselves; wrong ones count with the logins of the account.

    Not within a transaction: a wrong one stays counted. What is done then locks the account and
    asks ``require_unchanged_password``.

    :param field: the name under which the client sent the password.
    :raises InvalidPassword: the password is wrong.
    :raises PasswordsBusy, TooManyPasswords: see ``counted_try``.
    """
    with counted_try(user):
        if not user.check_password(password):
            raise InvalidPassword(field=field)


def require_unchanged_password(*, locked: User, proven: User, field: str) -> None:
    """Refuse a password that was right once: since then the account got another.

    :param locked: the account as it is under its lock.
    :param proven: the same, as it was when the password was compared.
    :raises InvalidPassword: it is another.
    """
    if locked.password != proven.password:
        raise InvalidPassword(field=field)


def require_presence(
    *, user: User, session: Session | None, current_password: str, now: datetime | None = None
) -> None:
    """Refuse a change of what opens an account to a session that was only left open.

    :param current_password: may be empty within ten minutes of a login.
    :raises PasswordRequired: the login is older.
    :raises InvalidPassword, TooManyPasswords: see ``require_password``, as for the rest.
    """
    if current_password:
        require_password(user=user, password=current_password, field="current_password")
    elif not is_recent(session, now or timezone.now()):
        raise PasswordRequired


def is_recent(session: Session | None, now: datetime) -> bool:
    """Return whether the session's login, with all its factors, is less than ten minutes old."""
    return session is not None and session.created_at > now - RECENT_LOGIN
