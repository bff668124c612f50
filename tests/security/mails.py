"""A mail server that takes everything."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class WrittenAndForgotten(BaseEmailBackend):
    """Writes each mail as it would be sent, which fails where a header is not safe."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Return how many could be written."""
        return sum(bool(message.message().as_bytes()) for message in email_messages)
