"""People to ask about, and the addresses of those who ask."""

import itertools
import random
import secrets

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import User

_NUMBERS = itertools.count(random.randrange(2**20))


def forwarded_for() -> str:
    """Return another client's address at each call, as the proxy tells it."""
    number = next(_NUMBERS)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Crowd:
    """Accounts, each of which is asked about once: a code is asked for once a minute."""

    def __init__(self) -> None:
        self._made = 0

    def names(self, count: int) -> tuple[list[str], list[str]]:
        """Return so many addresses that have accounts, half of them unverified, and as many not."""
        numbers = range(self._made, self._made + count)
        self._made += count
        password = make_password(secrets.token_hex(8))
        User.objects.bulk_create(
            User(
                username=f"known{number}",
                email=f"known{number}@example.com",
                password=password,
                email_verified_at=timezone.now() if number % 2 else None,
            )
            for number in numbers
        )
        known = [f"known{number}@example.com" for number in numbers]
        return known, [f"nobody{number}@example.com" for number in numbers]

    def somebody_new(self) -> User:
        """Return an unverified account of whose codes nothing is known yet."""
        self.names(2)
        return User.objects.filter(email_verified_at=None).latest("pk")
