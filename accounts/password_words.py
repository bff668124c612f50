"""Words that everybody would guess here, the shop's and the person's own; they protect nothing."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

LEAST_LEFT = 6
_SHORTEST = 4
_SHORTEST_OF_PEOPLE = 3  # Ann, Lee
_SEPARATORS = re.compile(r"[\s._-]+")
_NO_LETTERS = re.compile(r"[\W\d_]+")


class ShopWordsValidator:
    """Refuse a password that is hardly more than the shop's own words (ASVS 5.0, 6.2.11).

    The words are the shop's name, whole and in parts, the name in its address, and
    ``PASSWORD_WORDS``. What is left without them and without spaces must have six characters.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Hold a password against the words.

        :raises ValidationError: it is hardly more than they are.
        """
        words = shop_words(
            settings.SHOP_NAME, settings.FRONTEND_URL, tuple(settings.PASSWORD_WORDS)
        )
        if _is_hardly_more_than(words, password):
            raise ValidationError(
                "This password is hardly more than the shop's own words.",
                code="password_of_the_shop",
            )

    def get_help_text(self) -> str:
        """Return the rule for a person."""
        return "Your password can’t be hardly more than the shop's own words."


class OwnNamesValidator:
    """Refuse a password that is hardly more than the person's own names, all of them together.

    The names are first and last name, the username and the email up to its ``@``, whole and in
    parts. Django's own validator compares one part at a time.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Hold a password against the names.

        :raises ValidationError: it is hardly more than they are.
        """
        if user is not None and _is_hardly_more_than(_names_of(user), password):
            raise ValidationError(
                "This password is hardly more than your own names.", code="password_of_own_names"
            )

    def get_help_text(self) -> str:
        """Return the rule for a person."""
        return "Your password can’t be hardly more than your own names."


@lru_cache(maxsize=8)
def shop_words(shop_name: str, address: str, more: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words, the longest first."""
    host = urlsplit(address).hostname or ""
    labels = [label for label in host.split(".")[:-1] if label != "www"]
    return _as_words([shop_name, *shop_name.split(), *labels, *more], shortest=_SHORTEST)


def _names_of(user: Any) -> tuple[str, ...]:
    # A form leaves None where what was sent is no name.
    first, last, username = user.first_name or "", user.last_name or "", user.username or ""
    local = (user.email or "").partition("@")[0]
    texts = [first, last, f"{first} {last}", f"{last} {first}", username, local]
    parts = [part for text in texts for part in _NO_LETTERS.split(text)]
    return _as_words([*texts, *parts], shortest=_SHORTEST_OF_PEOPLE)


def _as_words(texts: Iterable[str], *, shortest: int) -> tuple[str, ...]:
    words = {_SEPARATORS.sub("", text.casefold()) for text in texts}
    return tuple(sorted((word for word in words if len(word) >= shortest), key=len, reverse=True))


def _is_hardly_more_than(words: Iterable[str], password: str) -> bool:
    left = whole = _SEPARATORS.sub("", password.casefold())
    for word in words:
        left = left.replace(word, "")
    return left != whole and len(left) < LEAST_LEFT
