"""What a person finds in their mailbox."""

import re

from django.core import mail


def last_mail_to(email: str) -> mail.EmailMessage:
    """Return the latest mail to this address."""
    return [message for message in mail.outbox if message.to == [email]][-1]


def code_mailed_to(email: str) -> str:
    """Return the six digits of the latest mail to this address."""
    return re.findall(r"Your code: (\d{6})\b", str(last_mail_to(email).body))[0]


def link_mailed_to(email: str) -> tuple[str, str]:
    """Return uid and token of the link in the latest mail to this address."""
    return re.findall(r"http\S+/([\w-]+)/([\w-]+)", str(last_mail_to(email).body))[0]


def one_part_token_mailed_to(email: str) -> str:
    """Return the token that stands on a line of its own."""
    return re.findall(r"^(\w+\.[\w-]+)$", str(last_mail_to(email).body), re.MULTILINE)[0]


def wrong(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 1) % 10**6:06d}"
