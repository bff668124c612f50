"""Every write of payments; one function for each thing the trade does."""

from payments.services.canceling import (
    cancel_at_provider,
    cancel_open_payments,
    capture_payment,
    void_payment,
)
from payments.services.intents import ask_again, refresh_payment
from payments.services.ledger import rebuild_payment_counters
from payments.services.locking import lock_payments
from payments.services.offline import record_offline_payment
from payments.services.reconciling import (
    get_quiet_payments,
    get_unapplied_events,
    reconcile_events,
    reconcile_payment,
    sync_pending_refunds,
)
from payments.services.refunding import (
    check_refund_limit,
    check_refund_limit_for,
    refund,
    refund_as_staff,
    refund_everything,
    request_refund,
    send_refund,
    send_refunds_left_behind,
)
from payments.services.reviewing import close_review
from payments.services.starting import start_payment
from payments.services.syncing import sync_open_payments
from payments.services.webhooks import (
    apply_event,
    apply_event_again,
    apply_pending_events,
    deliver_sandbox_webhook,
    receive_webhook,
    try_to_apply_event,
)

__all__ = [
    "apply_event",
    "apply_event_again",
    "apply_pending_events",
    "ask_again",
    "cancel_at_provider",
    "cancel_open_payments",
    "capture_payment",
    "check_refund_limit",
    "check_refund_limit_for",
    "close_review",
    "deliver_sandbox_webhook",
    "get_quiet_payments",
    "get_unapplied_events",
    "lock_payments",
    "rebuild_payment_counters",
    "receive_webhook",
    "reconcile_events",
    "reconcile_payment",
    "record_offline_payment",
    "refresh_payment",
    "refund",
    "refund_as_staff",
    "refund_everything",
    "request_refund",
    "send_refund",
    "send_refunds_left_behind",
    "start_payment",
    "sync_open_payments",
    "sync_pending_refunds",
    "try_to_apply_event",
    "void_payment",
]
