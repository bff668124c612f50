"""What happened and what was recorded of it, for those who are told later."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from orders.models import Order
from payments.models import Payment, Refund
from shipping.models import Shipment
from shop_backend.invariants.money import PAID_OR_LATER
from shop_backend.kernel.models import RecordedEvent


def orders_without_their_news() -> QuerySet[Order]:
    """Every order was placed; what it has become since was news as well."""
    return Order.objects.filter(
        ~_told("order.placed")
        | Q(status__in=PAID_OR_LATER) & ~_told("order.paid")
        | Q(status=Order.Status.DELIVERED) & ~_told("order.delivered")
        | Q(status=Order.Status.CANCELLED) & ~_told("order.cancelled")
        | Q(status=Order.Status.EXPIRED) & ~_told("order.expired")
    )


def payments_without_their_news() -> QuerySet[Payment]:
    refunds = Refund.objects.filter(payment=OuterRef("pk"), status=Refund.Status.SUCCEEDED)
    return Payment.objects.filter(
        Q(captured_minor__gt=0) & ~_told("payment.captured")
        | Exists(refunds) & ~_told("payment.refunded")
    )


def shipments_without_their_news() -> QuerySet[Shipment]:
    return Shipment.objects.filter(
        ~_told("shipment.packed")
        | Q(shipped_at__isnull=False) & ~_told("shipment.shipped")
        | Q(delivered_at__isnull=False) & ~_told("shipment.delivered")
        | Q(status=Shipment.Status.CANCELLED) & ~_told("shipment.cancelled")
    )


def _told(kind: str) -> Exists:
    subject = kind.partition(".")[0]
    return Exists(
        RecordedEvent.objects.filter(subject=subject, subject_id=OuterRef("pk"), kind=kind)
    )
