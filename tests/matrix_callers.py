"""Everybody who asks in the access matrix, with what they have to show."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import services, tokens
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from tests.client import ShopClient

CALLERS = (
    "anonymous",
    "owner",
    "another",
    "support",
    "warehouse",
    "manager",
    "admin",
    "deactivated",
    "unverified",
    "expired",
    "revoked",
)
LIVE = CALLERS[1:7]
_LONG_AGO = timedelta(hours=13)


def token_of(user: User) -> str:
    """Return an access token of a session that was opened this moment."""
    return services.open_session(user=user, device=services.Device(), rotates=True).access


@dataclass(frozen=True)
class Caller:
    """Somebody with a token for the API and the key of a session of the admin site."""

    user: User
    token: str = ""
    session: str = ""
    is_live: bool = False


def people() -> dict[str, Caller]:
    """Return every caller; the dead sign-ins are those of administrators."""
    found = {name: Caller(_account(UserFactory())) for name in CALLERS}
    for name in LIVE:
        customer = name in {"owner", "another"}
        user = _account(UserFactory() if customer else StaffFactory(role=name))
        found[name] = Caller(user, _token_of(user), _entered(user), is_live=True)

    boss = _administrator()
    found["deactivated"] = Caller(boss, _token_of(boss), _entered(boss))
    User.objects.filter(pk=boss.pk).update(is_active=False)

    boss = _administrator()
    found["expired"] = Caller(boss, _expired_token_of(boss), _entered(boss, _LONG_AGO))

    boss = _administrator()
    found["revoked"] = Caller(boss, _token_of(boss), _entered(boss))
    services.revoke_sessions(user=boss)
    boss.set_password(PASSWORD)
    boss.save(update_fields=["password"])

    boss = _administrator()
    User.objects.filter(pk=boss.pk).update(email_verified_at=None)
    body, browser = {"username": boss.username, "password": PASSWORD}, Client()
    token = ShopClient().post("/accounts/login/", body, format="json").json().get("access", "")
    browser.post("/admin/login/", body)
    found["unverified"] = Caller(boss, token, _session_of(browser))
    return found


def _account(made: Any) -> User:
    return User.objects.get(pk=made.pk)


def _administrator() -> User:
    return _account(StaffFactory(role="admin"))


def _token_of(user: User) -> str:
    return services.open_session(user=user, device=services.Device(), rotates=True).access


def _expired_token_of(user: User) -> str:
    _token_of(user)
    session = Session.objects.get(user=user)
    return tokens.issue_access(session, now=timezone.now() - timedelta(minutes=11))


def _entered(user: User, ago: timedelta = timedelta(0)) -> str:
    """Return the key of a session of the admin site that was opened so long ago."""
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session["opened_at"] = session["used_at"] = int((timezone.now() - ago).timestamp())
    session.save()
    return _session_of(browser)


def _session_of(browser: Client) -> str:
    cookie = browser.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie.value if cookie else ""
