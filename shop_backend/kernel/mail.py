"""Mail without a mail server: on the console, and as files in a folder."""

from collections.abc import Sequence
from typing import Any

from django.core.mail.backends import console, filebased
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage


class ConsoleAndFileBackend(BaseEmailBackend):
    """The embedded default: a developer sees every mail, a test script can read it."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:  # noqa: FBT001, FBT002  # Django's signature
        super().__init__(fail_silently=fail_silently)
        self._backends = [
            console.EmailBackend(fail_silently=fail_silently),
            filebased.EmailBackend(fail_silently=fail_silently),
        ]

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        counts = [backend.send_messages(email_messages) or 0 for backend in self._backends]
        return min(counts)
