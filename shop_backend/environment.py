"""How the settings read the environment: what means nothing is refused by the setting's name.

django-environ alone takes ``ture`` for off, and the space of ``admin, manager`` for a part of the
second name.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import environ
from django.core.exceptions import ImproperlyConfigured

from accounts.roles import ROLES
from payments.faults import SHARED
from shipping.countries import COUNTRIES

# Readers below have the names of these.
_Flag: TypeAlias = bool
_Texts: TypeAlias = list[str]
_FALSE = ("false", "off", "n", "no", "0")


class Shape(NamedTuple):
    """What a text has to be, all of it, and the same for people."""

    pattern: str
    meaning: str


def beginning_with(*prefixes: str) -> Shape:
    """Return the shape of a key whose kind is known by its beginning."""
    return Shape(rf"({_any_of(prefixes)})\S+", f"the one that begins with {' or '.join(prefixes)}")


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, texts))


_MAILBOX = r"[^@\s<>,]+@[^@\s<>,]+"

COUNTRY = Shape(_any_of(COUNTRIES), "the two capital letters of a country (ISO 3166-1: GB, not UK)")
CURRENCY = Shape("[A-Z]{3}", "three capital letters (ISO 4217)")
ENGINE = Shape(
    r".+\.(sqlite3|postgresql|mysql)", "django.db.backends.sqlite3, .postgresql or .mysql"
)
LAG = Shape(r"0|[5-9]|[1-9]\d+", "5 or more, or 0")
HOST_NAME = Shape(
    r"\*|\.?[\w.-]+|\[[\da-fA-F:.]+\]",  # the settings refuse * in words of its own
    "names and addresses without scheme and port: shop.example,127.0.0.1,[::1]",
)
HTTP = Shape(r"https?://[^/\s]\S*", "an address that begins with http:// or https://")
REDIS = Shape(r"(rediss?|unix)://\S+", "an address such as redis://127.0.0.1:6379/1")
BROKER = Shape(r"[a-z\d+]+://\S*", "an address such as redis://127.0.0.1:6379/0")
PLACE = Shape(r"(https?:/)?/\S*", "a path or an address: /media/ or https://images.example.com/")
# An app's web view has a scheme of its own; only Django knows a * in front of the name.
ORIGIN = Shape(
    r"[a-z][a-z\d+.-]*://[^/?#*\s]+", "origins, scheme and no path: https://www.shop.example"
)
TRUSTED_ORIGIN = Shape(r"https?://(\*\.)?[^/?#*\s]+", ORIGIN.meaning)
MAILBOX = Shape(_MAILBOX, "one address such as stock@example.com")
SENDER = Shape(rf"{_MAILBOX}|.+<{_MAILBOX}>", "shop@example.com or Shop <shop@example.com>")
ROLE = Shape(_any_of(ROLES), f"roles of these: {', '.join(ROLES)}")
FAULT = Shape(
    rf"seed=\d+|({_any_of(SHARED)})=(0|0?\.\d+|1|1\.0+)",
    f"a seed, and shares between 0 and 1 of these: {', '.join(SHARED)}",
)


class Environment(environ.Env):
    """Typed readers; each raises ``ImproperlyConfigured`` with what the setting may be.

    A default is taken as it is: it may be empty where an empty setting may not.
    """

    def number(self, name: str, *, default: int, least: int, most: int | None = None) -> int:
        """Return a whole number within its bounds."""
        text = self.str(name, default=str(default)).strip()
        number = int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else None
        if number is None or number < least or (most is not None and number > most):
            bounds = f"{least} or more" if most is None else f"{least} to {most}"
            raise ImproperlyConfigured(f"{name} is a whole number, {bounds}.")
        return number

    def one_of(self, name: str, *choices: str, default: str) -> str:
        """Return one of these."""
        value = self.str(name, default=default)
        if value not in {*choices, default}:
            raise ImproperlyConfigured(f"{name} is {' or '.join(choices)}.")
        return value

    def text(self, name: str, shape: Shape, *, default: str) -> str:
        """Return a text of that shape."""
        value = self.str(name, default=default)
        if value != default and not re.fullmatch(shape.pattern, value):
            raise ImproperlyConfigured(f"{name} is {shape.meaning}.")
        return value

    def texts(self, name: str, shape: Shape, *, default: _Texts) -> _Texts:
        """Return texts that are separated by commas, each of that shape."""
        values = self.list(name, default=default)
        if not all(re.fullmatch(shape.pattern, value) for value in values):
            raise ImproperlyConfigured(f"{name} is {shape.meaning}.")
        return values

    def list(self, name: str, *, default: _Texts) -> _Texts:
        """Return texts that are separated by commas, without the spaces around them."""
        texts = self.str(name, default=",".join(default)).split(",")
        return [text.strip() for text in texts if text.strip()]

    def bool(self, name: str, *, default: _Flag) -> _Flag:
        """Return what is on or off, in any of the words that django-environ knows."""
        text = self.str(name, default=str(default)).strip().lower()
        if text not in {*self.BOOLEAN_TRUE_STRINGS, *_FALSE}:
            raise ImproperlyConfigured(f"{name} is True or False.")
        return text in self.BOOLEAN_TRUE_STRINGS
