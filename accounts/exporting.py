"""Everything that the shop keeps about a person, gathered for that person."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import EmailChange, RecoveryCode, TwoFactor, User
from accounts.ports import personal_data
from accounts.selectors import find
from shop_backend.kernel.models import AuditEntry, IdempotencyKey
from shop_backend.kernel.moments import moment

MOST = 1_000  # rows of what a machine or a long working life may make without end

Part = dict[str, Any]


def export_account(*, user: User) -> Part:
    """Return everything that the shop keeps about a person, as plain JSON values.

    Secrets (hashes of passwords, codes and tokens) are left out: they say nothing about anybody.
    Of the audit log and the idempotency keys the newest ``MOST`` are in it; ``left_out`` says how
    many older ones are not.
    """
    keys = IdempotencyKey.objects.filter(user=user)
    audit = AuditEntry.objects.filter(actor=user)
    some_keys, more_keys = _newest(keys)
    some_audit, more_audit = _newest(audit)
    parts: Part = {
        "account": _account(user),
        "sessions": [_session(session) for session in user.sessions.order_by("created_at")],
        "codes": [_code(otp) for otp in user.otps.order_by("pk")],
        "email_change": _email_change(user),
        "two_factor": _two_factor(user),
        "idempotency_keys": [_key(key) for key in some_keys],
        "audit": [_entry(entry) for entry in some_audit],
        "left_out": {"idempotency_keys": more_keys, "audit": more_audit},
    }
    for holder in personal_data.answerer:
        parts |= holder.export(user_id=user.pk)
    return parts


def _newest(rows: QuerySet[Any]) -> tuple[list[Any], int]:
    some = list(rows.order_by("-pk")[:MOST])
    return some, rows.count() - len(some) if len(some) == MOST else 0


def _account(user: User) -> Part:
    return {
        "id": user.pk,
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "roles": sorted(user.groups.values_list("name", flat=True)),
        "permissions": sorted(user.user_permissions.values_list("codename", flat=True)),
        "date_joined": moment(user.date_joined),
        "email_verified_at": moment(user.email_verified_at),
        "last_login": moment(user.last_login),
    }


def _session(session: Any) -> Part:
    return {
        "created_at": moment(session.created_at),
        "last_used_at": moment(session.last_used_at),
        "revoked_at": moment(session.revoked_at),
        "user_agent": session.user_agent,
        "ip": session.ip,
    }


def _code(otp: Any) -> Part:
    return {
        "purpose": str(otp.purpose),
        "email": otp.email,
        "tries": otp.tries,
        "created_at": moment(otp.created_at),
        "expires_at": moment(otp.expires_at),
    }


def _email_change(user: User) -> Part | None:
    change = find(EmailChange.objects.filter(user=user))
    if change is None:
        return None
    return {
        "old_email": change.old_email,
        "new_email": change.new_email,
        "requested_at": moment(change.requested_at),
        "confirmed_at": moment(change.confirmed_at),
    }


def _two_factor(user: User) -> Part | None:
    factor = find(TwoFactor.objects.filter(user=user))
    codes = list(RecoveryCode.objects.filter(factor__user=user).values_list("used_at", flat=True))
    if factor is None:
        return None
    return {
        "begun_at": moment(factor.created_at),
        "confirmed_at": moment(factor.confirmed_at),
        "recovery_codes_left": codes.count(None),
        "recovery_codes_used_at": [moment(used) for used in sorted(filter(None, codes))],
    }


def _key(key: IdempotencyKey) -> Part:
    return {
        "operation": key.operation,
        "key": key.key,
        "status": key.status,
        "created_at": moment(key.created_at),
    }


def _entry(entry: AuditEntry) -> Part:
    return {
        "at": moment(entry.at),
        "phase": str(entry.phase),
        "action": entry.action,
        "object_kind": entry.object_kind,
        "object_id": entry.object_id,
        "status": entry.status,
        "roles": entry.roles,
        "network": entry.network,
        "request_id": entry.request_id,
    }
