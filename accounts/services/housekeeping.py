"""What is thrown away when its time has come."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts import selectors
from accounts.models import EmailChange, Otp, OtpRequestCount, Session
from accounts.services import otps
from accounts.services.registration import delete_dead_registrations
from shop_backend.kernel import transactions

SESSIONS_KEPT_FOR = timedelta(days=30)  # after their end


@transactions.use_case
def sweep(*, now: datetime | None = None) -> dict[str, int]:
    """Delete what has expired and means nothing any more; return how many of each kind."""
    now = now or timezone.now()
    sessions_before = now - SESSIONS_KEPT_FOR
    changes_before = now - selectors.EMAIL_CHANGE_LIFETIME
    swept = {
        "codes": Otp.objects.filter(expires_at__lte=now),
        "request counts": OtpRequestCount.objects.filter(asked_at_5__lte=now - otps.WINDOW),
        "email changes": EmailChange.objects.filter(requested_at__lte=changes_before),
        "sessions": Session.objects.filter(
            Q(expires_at__lte=sessions_before) | Q(revoked_at__lte=sessions_before)
        ),
    }
    counts = {name: rows.delete()[0] for name, rows in swept.items()}
    return {"registrations": delete_dead_registrations(now=now), **counts}
