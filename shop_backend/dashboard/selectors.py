"""How the shop stands: each of these is one query, whatever the size of the shop's day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from catalog.models import Review
from inventory.models import StockItem
from orders.models import Order
from payments.models import Payment
from shop_backend.kernel.models import OutboxMessage
from shop_backend.kernel.money import Money

STUCK_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Today:
    """The orders since midnight."""

    orders: int
    unpaid: int
    value: Money


@dataclass(frozen=True)
class DayRevenue:
    """What was kept of the orders of one day."""

    day: date
    revenue: Money


def get_today(*, now: datetime) -> Today:
    """Return how many orders came in since midnight, and what they are worth.

    Cancelled and expired ones are not counted.
    """
    row = (
        Order.objects.not_hidden()
        .of_the_day(now)
        .aggregate(
            orders=Count("pk"),
            unpaid=Count("pk", filter=Q(status=Order.Status.PENDING)),
            value=Sum("total_minor"),
        )
    )
    value = Money(row["value"] or 0, settings.SHOP_CURRENCY)
    return Today(orders=row["orders"], unpaid=row["unpaid"], value=value)


def get_revenue(*, now: datetime, days: int = 30) -> list[DayRevenue]:
    """Return what was captured and not refunded, by the day of the order, oldest day first."""
    first = now.date() - timedelta(days=days - 1)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = (
        _orders()
        .filter(placed_at__gte=midnight - timedelta(days=days - 1))
        .annotate(day=TruncDate("placed_at"))
        .values("day")
        .annotate(kept=Sum(F("captured_minor") - F("refunded_minor")))
        .values_list("day", "kept")
    )
    kept = dict(rows)
    every_day = (first + timedelta(days=number) for number in range(days))
    return [DayRevenue(day, Money(kept.get(day, 0), settings.SHOP_CURRENCY)) for day in every_day]


def get_low_stock(*, limit: int) -> Sequence[StockItem]:
    """Return the items that run low, the emptiest first."""
    items: Any = StockItem.objects.with_totals().with_low_stock_at()
    low = items.filter(is_tracked=True, sellable__lte=F("low_at"))
    return list(low.order_by("sellable", "sku")[:limit])


def get_overdue_orders(*, now: datetime, limit: int) -> Sequence[Order]:
    """Return the unpaid orders that hold their stock for too long, oldest first."""
    overdue = Order.objects.not_hidden().overdue(now).select_related("customer")
    return list(overdue.order_by("expires_at", "pk")[:limit])


def get_stuck_orders(*, now: datetime, limit: int) -> Sequence[Order]:
    """Return the paid orders that should have left by now, oldest first."""
    stuck = Order.objects.not_hidden().waiting_since(now - STUCK_AFTER).select_related("customer")
    return list(stuck.order_by("placed_at", "pk")[:limit])


def get_failed_messages(*, limit: int) -> Sequence[OutboxMessage]:
    """Return what was given up after its last attempt, latest first."""
    return list(OutboxMessage.objects.exclude(dead_at=None).order_by("-dead_at", "-pk")[:limit])


def get_payments_to_review(*, limit: int) -> Sequence[Payment]:
    """Return the payments whose provider said what does not fit, oldest first."""
    return list(Payment.objects.exclude(review_reason="").order_by("created_at", "pk")[:limit])


def get_reviews_to_moderate(*, limit: int) -> Sequence[Review]:
    """Return the reviews that wait for a moderator, oldest first."""
    pending = Review.objects.filter(status=Review.Status.PENDING).select_related("product")
    return list(pending.order_by("pk")[:limit])


def _orders() -> "QuerySet[Order]":
    return Order.objects.not_hidden().filter(currency=settings.SHOP_CURRENCY)
