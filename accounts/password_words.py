"""Words that everybody would guess at this shop, and so protect nothing."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

LEAST_LEFT = 6
_SHORTEST = 4
_SEPARATORS = re.compile(r"[\s._-]+")


class ShopWordsValidator:
    """Refuse a password that is hardly more than the shop's own words (ASVS 5.0, 6.2.11).

    The words are the shop's name, whole and in parts, the name in its address, and
    ``PASSWORD_WORDS``. What is left without them and without spaces must have six characters.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Hold a password against the words.

        :raises ValidationError: it is hardly more than they are.
        """
        left = whole = _SEPARATORS.sub("", password.casefold())
        for word in shop_words(
            settings.SHOP_NAME, settings.FRONTEND_URL, tuple(settings.PASSWORD_WORDS)
        ):
            left = left.replace(word, "")
        if left != whole and len(left) < LEAST_LEFT:
            raise ValidationError(
                "This password is hardly more than the shop's own words.",
                code="password_of_the_shop",
            )

    def get_help_text(self) -> str:
        """Return the rule for a person."""
        return "Your password can’t be hardly more than the shop's own words."


@lru_cache(maxsize=8)
def shop_words(shop_name: str, address: str, more: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words, the longest first."""
    host = urlsplit(address).hostname or ""
    labels = [label for label in host.split(".")[:-1] if label != "www"]
    texts = [shop_name, *shop_name.split(), *labels, *more]
    words = {_SEPARATORS.sub("", text.casefold()) for text in texts}
    return tuple(sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True))
