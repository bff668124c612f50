"""Wrong passwords are counted, for every login name alike, before anything is hashed."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.crowding import place_in_line
from accounts.errors import TooManyPasswords
from shop_backend.kernel import budgets, transactions


@contextmanager
@transactions.forbids_transaction  # a refusal would give the try back
def counted_try(login: str) -> Iterator[None]:
    """Count one try of a password for this login name; a right one makes all forgotten.

    Counted is the name as it was sent, whether anybody has it or not, so that nothing is told.

    :raises PasswordsBusy: too many people log in right now; nothing was counted or compared.
    :raises TooManyPasswords: there were too many of late; nothing was compared.
    """
    with place_in_line(is_at_the_door=True):
        if settings.RATE_LIMITS:
            yield from _counted(login)
        else:
            yield


def _counted(login: str) -> Iterator[None]:
    name = salted_hmac("accounts.login", login.strip().lower(), algorithm="sha256").hexdigest()
    key = f"password of {name}"
    verdict = budgets.spend(key, budgets.Rate.parse(settings.THROTTLE_RATES["password"]))
    if not verdict.is_allowed:
        raise TooManyPasswords(seconds=verdict.retry_after_seconds)
    yield
    budgets.IN_DATABASE.forget(key)
