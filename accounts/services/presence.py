"""Whether it is the person themselves who sits at a device that is signed in."""

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.errors import InvalidPassword, PasswordRequired
from accounts.models import Session, User

RECENT_LOGIN = timedelta(minutes=10)


def require_presence(
    *, user: User, session: Session | None, current_password: str, now: datetime | None = None
) -> None:
    """Refuse a change of what opens an account to a session that was only left open.

    :param current_password: may be empty within ten minutes of a login.
    :raises PasswordRequired: the login is older.
    :raises InvalidPassword: the password is wrong.
    """
    now = now or timezone.now()
    if current_password:
        if not user.check_password(current_password):
            raise InvalidPassword(field="current_password")
    elif not is_recent(session, now):
        raise PasswordRequired


def is_recent(session: Session | None, now: datetime) -> bool:
    """Return whether the session's login, with all its factors, is less than ten minutes old."""
    return session is not None and session.created_at > now - RECENT_LOGIN
