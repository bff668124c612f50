"""Mails as people read them: a text and an HTML page from templates in one layout."""

from collections.abc import Mapping
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from shop_backend.kernel.transactions import forbids_transaction

_LONGEST_SUBJECT = 200


class LetterNotSent(Exception):
    """The mail server refused; its words are left out, for they quote addresses."""


@forbids_transaction
def send(*, to: str, subject: str, template: str, context: Mapping[str, Any]) -> None:
    """Write a mail and give it to the mail server.

    :param subject: may hold what people typed: what cannot stand in a header is left out.
    :param template: a path without its ending; ``.txt`` and ``.html`` are both there.
    :raises LetterNotSent: the mail server is away or refused.
    """
    subject = clean_subject(subject)
    everything = {"shop": settings.SHOP_NAME, "subject": subject, **context}
    letter = EmailMultiAlternatives(
        subject=subject, body=render_to_string(f"{template}.txt", everything), to=[to]
    )
    letter.attach_alternative(render_to_string(f"{template}.html", everything), "text/html")
    try:
        letter.send()
    except (SMTPException, OSError) as error:
        raise LetterNotSent(type(error).__name__) from None


def clean_subject(text: str) -> str:
    """Return the text on one line, without what is no sign to read."""
    line = " ".join(text.split())
    return "".join(sign for sign in line if sign.isprintable())[:_LONGEST_SUBJECT]


def frontend_link(path: str) -> str:
    """Return the address of a page of the shop's frontend; never built from a Host header."""
    return f"{settings.FRONTEND_URL.rstrip('/')}/{path.lstrip('/')}"
