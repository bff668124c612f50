"""The provider's news: kept first, applied once, in whatever order it comes."""

import logging
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from payments.errors import MalformedWebhook
from payments.models import Payment, ProviderEvent
from payments.ports import payable_orders
from payments.providers import get_provider, sandbox
from payments.providers.base import ProviderNews
from payments.services.applying import CaptureUnknown, apply_intent, apply_refund, is_in_doubt
from payments.services.intents import ask_again
from payments.services.locking import lock_payment_of
from shop_backend.kernel import statements, transactions
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.inserting import insert_if_new
from shop_backend.kernel.selects import one_line

logger = logging.getLogger(__name__)
NOT_OURS = "not_ours"
_MAX_EVENT_ID, _MAX_KIND = 255, 100
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)


# The payment that bears the name; and the one that is only told of, which comes after it.
_NAMED = (
    "SELECT id, reference FROM payments_payment WHERE provider = %s AND provider_reference = %s"
)
_TOLD_OF = """
    SELECT id, reference FROM payments_payment
    WHERE provider = %s AND (provider_reference = %s OR (id = %s AND reference = %s{nameless}))
    ORDER BY CASE WHEN provider_reference = %s THEN 0 ELSE 1 END, id LIMIT 1
"""
_COLLECTED = one_line(_TOLD_OF.format(nameless=""))
_ANNOUNCED = one_line(_TOLD_OF.format(nameless=" AND provider_reference IS NULL"))


class InDoubt(Exception):
    """News is as old as what is known and says something else: the provider has to be asked."""

    def __init__(self, payment_id: int) -> None:
        self.payment_id = payment_id
        super().__init__(payment_id)


@transactions.forbids_transaction
def receive_webhook(*, provider: str, body: bytes, signature: str) -> None:
    """Check, keep and apply an event; a repeat changes nothing.

    What cannot be applied now stays in the inbox for ``apply_pending_events``.

    :param body: the raw bytes, over which the signature was made.
    :raises InvalidSignature: nothing is kept.
    """
    news = get_provider(provider).parse_webhook(body=body, signature=signature)
    if len(news.event_id) > _MAX_EVENT_ID or len(news.kind) > _MAX_KIND or rb"\u0000" in body:
        raise MalformedWebhook
    event = transactions.run(partial(_keep, provider, news))
    if event.applied_at is None:
        apply_event(event_id=event.pk)


@transactions.forbids_transaction
def apply_event(*, event_id: int) -> bool:
    """Apply an event of the inbox if it was not dealt with; return whether it is now."""
    try:
        try:
            make_room = payable_orders.answerer.make_room
            transactions.run(partial(_apply, event_id), recover=make_room)
        except InDoubt as doubt:
            _ask_instead(event_id, doubt.payment_id)
    except (ShopError, DatabaseError, CaptureUnknown) as error:
        logger.warning("provider event %s was not applied: %s", event_id, type(error).__name__)
        _note_failure(event_id, error)
        return False
    return True


@transactions.forbids_transaction
def apply_event_again(*, event_id: int) -> bool:
    """Apply an event as if it had just come, whatever became of it before."""
    ProviderEvent.objects.filter(pk=event_id).update(
        applied_at=None, attempts=0, failure="", next_attempt_at=timezone.now()
    )
    return apply_event(event_id=event_id)


@transactions.forbids_transaction
def apply_pending_events(*, limit: int = 100, now: datetime | None = None) -> int:
    """Apply what is left in the inbox and due again, oldest first; return how many were applied.

    Each failure doubles the pause before the next try; after the last a person has to do it.
    """
    due = ProviderEvent.objects.waiting().filter(next_attempt_at__lte=now or timezone.now())
    pks = list(due.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:limit])
    return sum(try_to_apply_event(event_id=pk) for pk in pks)


@transactions.forbids_transaction
def try_to_apply_event(*, event_id: int) -> bool:
    """Apply an event like ``apply_event``; whatever goes wrong is noted, and it waits."""
    try:
        return apply_event(event_id=event_id)
    except Exception as error:  # one event that cannot be applied must not keep the rest waiting
        logger.exception("provider event %s was not applied", event_id)
        _note_failure(event_id, error)
        return False


def deliver_sandbox_webhook(payload: Mapping[str, Any]) -> None:
    """Deliver ``payments.sandbox_webhook``: what Stripe would send over the network."""
    body, signature = sandbox.signed_event(payload["event_id"])
    receive_webhook(provider=sandbox.SandboxProvider.name, body=body, signature=signature)


def _note_failure(event_id: int, error: Exception) -> None:
    event = ProviderEvent.objects.get(pk=event_id)
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(event.attempts, 12))
    ProviderEvent.objects.filter(pk=event_id, applied_at=None).update(
        attempts=F("attempts") + 1,
        failure=f"{type(error).__name__}: {error}"[:500],
        next_attempt_at=timezone.now() + pause * (0.5 + random.random() / 2),  # jitter  # nosec B311
    )


def _ask_instead(event_id: int, payment_id: int) -> None:
    """Take the provider's present state for what the event may have meant."""
    ask_again(payment_id=payment_id)
    ProviderEvent.objects.filter(pk=event_id, applied_at=None).update(
        applied_at=timezone.now(), failure=""
    )


def _keep(provider: str, news: ProviderNews) -> ProviderEvent:
    event = ProviderEvent(
        provider=provider, event_id=news.event_id, kind=news.kind, payload=news.to_payload()
    )
    if insert_if_new(event):
        return event
    return ProviderEvent.objects.get(provider=provider, event_id=news.event_id)


def _apply(event_id: int) -> None:
    (event,) = statements.lock(ProviderEvent, id=event_id)
    if event.applied_at is not None:
        return
    event.failure = _apply_news(event.provider, ProviderNews.from_payload(event.payload))
    event.applied_at = timezone.now()
    statements.save(event, "failure", "applied_at")


def _apply_news(provider: str, news: ProviderNews) -> str:
    """Apply the states in the news; return why it had no effect, if so."""
    if news.intent is None and news.refund is None:
        return ""
    payment = _lock_payment(provider, news)
    if payment is None:
        return NOT_OURS
    if news.intent is not None:
        if is_in_doubt(payment=payment, state=news.intent):
            raise InDoubt(payment.pk)
        return apply_intent(payment=payment, state=news.intent)
    assert news.refund is not None  # nosec B101
    return apply_refund(payment=payment, state=news.refund)


def _lock_payment(provider: str, news: ProviderNews) -> Payment | None:
    """Return the payment that is meant, locked; ``None`` if it is not one of ours.

    News may be faster than the answer that tells us the intent's name: then the payment is
    found by what we had told the provider. So is the one for which money was collected under
    another name than the one we know: somebody has to look at it.
    """
    if news.intent is not None:
        state = news.intent
        is_collected = state.captured or state.status == Payment.Status.REQUIRES_CAPTURE
        found = statements.read(
            _COLLECTED if is_collected else _ANNOUNCED,
            [provider, state.provider_reference, state.payment_id, state.reference]
            + [state.provider_reference],
        )
    else:
        assert news.refund is not None  # nosec B101
        found = statements.read(_NAMED, [provider, news.refund.intent_reference])
    # Found first and locked by its key: a lock by the condition would take more than that row.
    if not found:
        return None
    pk, reference = found[0]
    return lock_payment_of(pk=pk, reference=reference)
