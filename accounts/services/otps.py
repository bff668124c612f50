"""One-time passwords: asked for, made, tried."""

import math
import secrets
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import selectors
from accounts.errors import OtpCooldown
from accounts.models import Otp, OtpPurpose, OtpRequestCount, User
from shop_backend.kernel import transactions
from shop_backend.kernel.errors import DatabaseBusy

LIFETIME = timedelta(minutes=5)
PAUSE = timedelta(minutes=1)
WINDOW = timedelta(hours=1)  # of at most five requests
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


@transactions.requires_transaction
def note_request(*, purpose: OtpPurpose, email: str, now: datetime) -> None:
    """Count that a code was asked for with this address, known or not; the old code dies.

    :raises OtpCooldown: less than a minute ago it was asked for too, or five times in an hour.
    """
    count_request(purpose=purpose, email=email, now=now)
    Otp.objects.sent_to(email, purpose).delete()


@transactions.requires_transaction
def count_request(*, purpose: OtpPurpose, email: str, now: datetime) -> None:
    """Count it and leave the old code alone, for a caller who has yet to lock an account.

    The sender of the mails locks the account first and then its codes; in the other order the
    two deadlock.

    :raises OtpCooldown: as above.
    """
    digest = digest_of(email)
    for _ in range(2):
        if _count(purpose, digest, now):
            return
        count = selectors.find(_counts(purpose, digest))
        if count is not None:
            free_at = max(count.asked_at_5 + PAUSE, count.asked_at_1 + WINDOW)
            raise OtpCooldown(seconds=max(1, math.ceil((free_at - now).total_seconds())))
        # The sweep took the row between our statements; one that we make is out of its reach.
    raise DatabaseBusy


@transactions.requires_transaction
def make_code(*, user: User, purpose: OtpPurpose, email: str, now: datetime) -> str:
    """Make a new code for the sender of the mail, who alone ever sees it.

    The user's old one dies, and so does whichever was sent to this address.
    """
    code = f"{secrets.randbelow(10**6):06d}"
    Otp.objects.filter(user=user, purpose=purpose).delete()
    Otp.objects.sent_to(email, purpose).delete()
    Otp.objects.create(
        user=user,
        purpose=purpose,
        email=email,
        code_hash=_hash_of(code, user_id=user.pk, purpose=purpose),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    return code


@transactions.requires_transaction
def spend_try(*, purpose: OtpPurpose, email: str, code: str, now: datetime) -> Otp | None:
    """Return the one-time password that this code is, or ``None``; the caller ends it.

    The caller commits in either case, for the try is counted. The count is one guarded UPDATE
    on the very row whose hash is compared, so that five guesses are evaluated and no more.
    An unknown address costs the same statements, and a write as well.
    """
    _counts(purpose, digest_of(email)).update(tried_at=now)
    sent = Otp.objects.sent_to(email, purpose).filter(expires_at__gt=now, user__is_active=True)
    otp = selectors.find(sent) or Otp(pk=0, user_id=0, purpose=purpose)
    # The account before its code, as the sender of the mails does; else the two deadlock.
    list(User.objects.select_for_update().filter(pk=otp.user_id).values_list("pk"))
    counted = Otp.objects.filter(pk=otp.pk, tries__lt=Otp.MAX_TRIES).update(tries=F("tries") + 1)
    right = _hash_of(code, user_id=otp.user_id, purpose=purpose)
    return otp if constant_time_compare(otp.code_hash, right) and counted else None


def _counts(purpose: OtpPurpose, digest: str) -> QuerySet[OtpRequestCount]:
    return OtpRequestCount.objects.filter(purpose=purpose, address_digest=digest)


def _count(purpose: OtpPurpose, digest: str, now: datetime) -> bool:
    """Note the request in the address's row, unless it comes too early."""
    never = {f"asked_at_{number}": _LONG_AGO for number in range(1, 6)}
    wanted = OtpRequestCount(purpose=purpose, address_digest=digest, **never)
    if connection.vendor == "mysql":
        # INSERT IGNORE leaves a shared lock on the row that is there, and those who all hold it
        # deadlock over the count below. This takes the lock for writing at once.
        OtpRequestCount.objects.bulk_create(
            [wanted], update_conflicts=True, update_fields=["purpose"]
        )
    else:
        OtpRequestCount.objects.bulk_create([wanted], ignore_conflicts=True)
    allowed = _counts(purpose, digest)
    if settings.RATE_LIMITS:
        allowed = allowed.filter(asked_at_5__lte=now - PAUSE, asked_at_1__lte=now - WINDOW)
    # In this order: MariaDB assigns from left to right.
    noted = allowed.update(
        asked_at_1=F("asked_at_2"),
        asked_at_2=F("asked_at_3"),
        asked_at_3=F("asked_at_4"),
        asked_at_4=F("asked_at_5"),
        asked_at_5=now,
    )
    return bool(noted)


def digest_of(email: str) -> str:
    """Return what stands for an address, in any case, where requests are counted."""
    return salted_hmac("accounts.address", email.strip().lower(), algorithm="sha256").hexdigest()


def _hash_of(code: str, *, user_id: int, purpose: str) -> str:
    text = f"{user_id}:{purpose}:{code}"
    return salted_hmac("accounts.otp", text, algorithm="sha256").hexdigest()
