"""Passwords that were stolen elsewhere and are tried out everywhere; nobody outside is asked."""

import hashlib
import io
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError

_DIGITS = 40  # of a SHA-1 in hexadecimal, as such lists have it
_LONGEST_LINE = 80  # the hash, a colon, how often it was seen


class BreachedPasswordValidator:
    """Refuse a password of the list that ``BREACHED_PASSWORDS_FILE`` names (ASVS 5.0, 6.2.12).

    The file is what Pwned Passwords' downloader writes: a SHA-1 a line, in order, and what stands
    behind it. It is searched where it lies, in some thirty reads, so it may be of any size.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Look a password up.

        :raises ValidationError: it is in the list.
        """
        if not settings.BREACHED_PASSWORDS_FILE:
            return
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest()
        with Path(settings.BREACHED_PASSWORDS_FILE).open("rb") as file:
            if _has(file, digest.upper().encode()):
                raise ValidationError(
                    "This password was stolen elsewhere and is known; take another one.",
                    code="password_breached",
                )

    def get_help_text(self) -> str:
        """Return the rule for a person."""
        return "Your password can’t be one that is known to be stolen elsewhere."


def _has(file: BinaryIO, wanted: bytes) -> bool:
    low, high = 0, file.seek(0, io.SEEK_END)
    while low < high:  # a line that begins in between may be it
        start = _start_of_line(file, (low + high) // 2)
        file.seek(start)
        line = file.readline(_LONGEST_LINE)
        found = line[:_DIGITS].upper()
        if found == wanted:
            return True
        if found < wanted:
            low = start + len(line)
        else:
            high = start
    return False


def _start_of_line(file: BinaryIO, position: int) -> int:
    """Return where the line begins that holds the byte there."""
    before = max(0, position - _LONGEST_LINE)
    file.seek(before)
    return before + file.read(position - before).rfind(b"\n") + 1
