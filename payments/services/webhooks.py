"""The provider's news: kept first, applied once, in whatever order it comes."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import F, Q
from django.utils import timezone

from payments.errors import MalformedWebhook
from payments.models import Payment, ProviderEvent
from payments.providers import get_provider, sandbox
from payments.providers.base import ProviderNews
from payments.services.applying import CaptureUnknown, apply_intent, apply_refund
from payments.services.locking import lock_payment
from shop_backend.kernel import transactions
from shop_backend.kernel.errors import ShopError

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 20
NOT_OURS = "not_ours"
_MAX_EVENT_ID, _MAX_KIND = 255, 100


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
        transactions.run(partial(_apply, event_id))
    except (ShopError, DatabaseError, CaptureUnknown) as error:
        logger.warning("provider event %s was not applied: %s", event_id, type(error).__name__)
        _note_failure(event_id, error)
        return False
    return True


@transactions.forbids_transaction
def apply_event_again(*, event_id: int) -> bool:
    """Apply an event as if it had just come, whatever became of it before."""
    ProviderEvent.objects.filter(pk=event_id).update(applied_at=None, attempts=0, failure="")
    return apply_event(event_id=event_id)


@transactions.forbids_transaction
def apply_pending_events(*, limit: int = 100) -> int:
    """Apply what is left in the inbox, the least tried first; return how many were applied."""
    pending = ProviderEvent.objects.filter(applied_at=None, attempts__lt=MAX_ATTEMPTS)
    pks = list(pending.order_by("attempts", "pk").values_list("pk", flat=True)[:limit])
    return sum(_apply_pending(pk) for pk in pks)


def deliver_sandbox_webhook(payload: Mapping[str, Any]) -> None:
    """Deliver ``payments.sandbox_webhook``: what Stripe would send over the network."""
    body, signature = sandbox.signed_event(payload["event_id"])
    receive_webhook(provider=sandbox.SandboxProvider.name, body=body, signature=signature)


def _apply_pending(event_id: int) -> bool:
    try:
        return apply_event(event_id=event_id)
    except Exception as error:  # one event that cannot be applied must not keep the rest waiting
        logger.exception("provider event %s was not applied", event_id)
        _note_failure(event_id, error)
        return False


def _note_failure(event_id: int, error: Exception) -> None:
    ProviderEvent.objects.filter(pk=event_id, applied_at=None).update(
        attempts=F("attempts") + 1, failure=f"{type(error).__name__}: {error}"[:500]
    )


def _keep(provider: str, news: ProviderNews) -> ProviderEvent:
    event = ProviderEvent(
        provider=provider, event_id=news.event_id, kind=news.kind, payload=news.to_payload()
    )
    ProviderEvent.objects.bulk_create([event], ignore_conflicts=True)
    return ProviderEvent.objects.get(provider=provider, event_id=news.event_id)


def _apply(event_id: int) -> None:
    event = ProviderEvent.objects.select_for_update().get(pk=event_id)
    if event.applied_at is not None:
        return
    event.failure = _apply_news(event.provider, ProviderNews.from_payload(event.payload))
    event.applied_at = timezone.now()
    event.save(update_fields=["failure", "applied_at"])


def _apply_news(provider: str, news: ProviderNews) -> str:
    """Apply the states in the news; return why it had no effect, if so."""
    if news.intent is None and news.refund is None:
        return ""
    payment = _lock_payment(provider, news)
    if payment is None:
        return NOT_OURS
    if news.intent is not None:
        return apply_intent(payment=payment, state=news.intent)
    assert news.refund is not None
    return apply_refund(payment=payment, state=news.refund)


def _lock_payment(provider: str, news: ProviderNews) -> Payment | None:
    """Return the payment that is meant, locked; ``None`` if it is not one of ours.

    News may be faster than the answer that tells us the intent's name: then the payment is
    found by what we had told the provider.
    """
    if news.intent is not None:
        state = news.intent
        is_unnamed = Q(provider_reference=None, pk=state.payment_id, reference=state.reference)
        is_meant = Q(provider_reference=state.provider_reference) | is_unnamed
    else:
        assert news.refund is not None
        is_meant = Q(provider_reference=news.refund.intent_reference)
    rows = Payment.objects.filter(is_meant, provider=provider).order_by("pk")
    # Found first and locked by its key: a lock by the condition would take more than that row.
    pk = rows.values_list("pk", flat=True).first()
    return None if pk is None else lock_payment(pk)
