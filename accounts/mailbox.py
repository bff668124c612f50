"""Mails on their way: a row that names a user and a purpose, and nothing else."""

from collections.abc import Sequence
from enum import StrEnum

from shop_backend.kernel import outbox, transactions

KIND = "accounts.send_mail"


class MailPurpose(StrEnum):
    """Why accounts writes to somebody."""

    ACTIVATION = "activation"
    RESET_CODE = "reset_code"
    RESET_LINK = "reset_link"
    RESET_LINK_AND_TOKEN = "reset_link_and_token"  # nosec B105  # a name
    EMAIL_CHANGE_NOTICE = "email_change_notice"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # nosec B105  # a name
    TWO_FACTOR_ON = "two_factor_on"
    TWO_FACTOR_OFF = "two_factor_off"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"


@transactions.requires_transaction
def post(*, purpose: MailPurpose, user_ids: Sequence[int]) -> None:
    """Have mails sent once this transaction is committed.

    For nobody the row is written as well: an answer must not tell by its time whether there
    was anybody to write to.
    """
    readers: Sequence[int | None] = user_ids or [None]
    for user_id in readers:
        outbox.put(KIND, {"user_id": user_id, "purpose": purpose.value})
