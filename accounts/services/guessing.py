"""Wrong passwords are counted, for every login name alike, before anything is hashed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts import selectors
from accounts.crowding import place_in_line
from accounts.errors import TooManyPasswords
from accounts.models import User
from shop_backend.kernel import budgets, transactions


@contextmanager
@transactions.forbids_transaction  # a refusal would give the try back
def counted_login(login: str) -> Iterator[User | None]:
    """Count one try of a password for this login name; a right one makes all forgotten.

    Give whose password is to be compared; ``None`` where nobody's is, which must look the same:
    nobody has the name, or the account was tried too often by its other name. To be told to wait
    then would tell that the two names are one person's.

    :raises PasswordsBusy: too many people log in right now; nothing was counted or compared.
    :raises TooManyPasswords: there were too many of late for this name; nothing was compared.
    """
    with place_in_line(is_at_the_door=True):
        user = selectors.get_by_login(login)
        if settings.RATE_LIMITS:
            yield from _counted(login, user)
        else:
            yield user


@contextmanager
@transactions.forbids_transaction
def counted_try(user: User) -> Iterator[None]:
    """Count one try of a password by somebody signed in, with the logins of their account.

    A right one makes all of the account forgotten, as a login does.

    :raises PasswordsBusy: see ``counted_login``.
    :raises TooManyPasswords: there were too many of late for this account.
    """
    with place_in_line():
        if settings.RATE_LIMITS:
            _require(_spend(_of_account(user)))
        yield
        budgets.IN_DATABASE.forget(_of_account(user))


def forget_guesses(user: User) -> None:
    """Let an account be tried anew by all its names: its owner has a new password from the mail."""
    for key in (_of_account(user), _of_name(user.username), _of_name(user.email or "")):
        budgets.IN_DATABASE.forget(key)


def _counted(login: str, user: User | None) -> Iterator[User | None]:
    of_name = _of_name(login)
    # A row of its own for a name that nobody has, too: the same work.
    of_account = _of_account(user) if user else f"{of_name}, nobody's"
    _require(_spend(of_name))
    # One statement, whether it is spent or not; ``spend`` would read on where it is.
    is_counted = budgets.IN_DATABASE.take(of_account, _rate(), time.time_ns() // 1000)
    yield user if is_counted else None
    for key in (of_name, of_account):
        budgets.IN_DATABASE.forget(key)


def _spend(key: str) -> budgets.Verdict:
    return budgets.spend(key, _rate())


def _rate() -> budgets.Rate:
    return budgets.Rate.parse(settings.THROTTLE_RATES["password"])


def _require(verdict: budgets.Verdict) -> None:
    if not verdict.is_allowed:
        raise TooManyPasswords(seconds=verdict.retry_after_seconds)


def _of_account(user: User) -> str:
    return f"password of user {user.pk}"


def _of_name(login: str) -> str:
    name = salted_hmac("accounts.login", login.strip().lower(), algorithm="sha256").hexdigest()
    return f"password of {name}"
