"""What is thrown away when its time has come."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session as AdminSession
from django.db.models import Q
from django.utils import timezone

from accounts import selectors
from accounts.models import EmailChange, Otp, OtpRequestCount, Session
from accounts.services import otps
from accounts.services.registration import delete_dead_registrations
from shop_backend.kernel import sweeping, transactions

COUNTS_KEPT_FOR = 2 * otps.WINDOW  # clearly longer than they count, whatever the clocks say
BATCH = 1000  # rows of a kind at a time: the locks are short, and the rest waits for the next sweep


@transactions.use_case
def sweep(*, now: datetime | None = None) -> dict[str, int]:
    """Delete what has expired and means nothing any more; return how many of each kind.

    Of each kind at most ``BATCH`` rows go.
    """
    now = now or timezone.now()
    sessions_before = now - timedelta(days=settings.SESSIONS_KEPT_DAYS)
    log_before = now - timedelta(days=settings.ADMIN_LOG_KEPT_DAYS)
    changes_before = now - selectors.EMAIL_CHANGE_LIFETIME
    swept = {
        "codes": Otp.objects.filter(expires_at__lte=now),
        "request counts": OtpRequestCount.objects.filter(asked_at_5__lte=now - COUNTS_KEPT_FOR),
        "email changes": EmailChange.objects.filter(requested_at__lte=changes_before),
        "sessions": Session.objects.filter(
            Q(expires_at__lte=sessions_before) | Q(revoked_at__lte=sessions_before)
        ),
        "sessions of the admin site": AdminSession.objects.filter(expire_date__lte=now),
        "lines of the admin log": LogEntry.objects.filter(action_time__lte=log_before),
    }
    counts = {name: sweeping.delete_batch(rows, limit=BATCH) for name, rows in swept.items()}
    return {"registrations": delete_dead_registrations(now=now), **counts}
