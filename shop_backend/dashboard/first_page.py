"""The admin's first page: today, the last 30 days, and what waits for somebody."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from catalog.models import Review
from inventory.models import StockItem
from orders.models import Order
from payments.models import Payment
from shop_backend.dashboard import selectors
from shop_backend.kernel.models import OutboxMessage
from shop_backend.kernel.money import total

_SHOWN = 6  # rows of a list; the whole of it is one click away


@dataclass(frozen=True)
class Row:
    """One thing that waits, and the page where it is dealt with."""

    title: str
    detail: str
    link: str


@dataclass(frozen=True)
class Panel:
    """Things of one kind that wait for somebody."""

    title: str
    calm: str  # what is said when nothing waits
    link: str
    rows: Sequence[Row]
    has_more: bool


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the page what this person may see."""
    now = timezone.now()
    may_see_orders = request.user.has_perm("orders.view_order")
    may_see_money = may_see_orders and request.user.has_perm("payments.view_payment")
    panels = [build(now) for permission, build in _PANELS if request.user.has_perm(permission)]
    return {
        **context,
        "title": "Today",
        "today": selectors.get_today(now=now) if may_see_orders else None,
        "revenue": _chart(now) if may_see_money else None,
        "panels": panels,
        "orders_link": f"{_list_of(Order)}?attention=today",
        "unpaid_link": f"{_list_of(Order)}?attention=today&status__exact=pending",
    }


def _chart(now: datetime) -> dict[str, Any]:
    days = selectors.get_revenue(now=now)
    line = {
        "data": [row.revenue.decimal_string for row in days],
        "label": settings.SHOP_CURRENCY,
        "borderColor": "var(--color-primary-600)",
        "backgroundColor": "var(--color-primary-600)",
        "displayYAxis": True,
        "maxTicksXLimit": 10,
    }
    labels = [f"{row.day:%d %b}" for row in days]
    return {
        "total": total((row.revenue for row in days), settings.SHOP_CURRENCY),
        "data": json.dumps({"labels": labels, "datasets": [line]}),
    }


def _overdue(now: datetime) -> Panel:
    orders: Iterable[Any] = selectors.get_overdue_orders(now=now, limit=_SHOWN + 1)
    rows = [
        _row(order, order.number, f"{order.total}, due {timesince(order.expires_at, now)} ago")
        for order in orders
    ]
    return _panel("Unpaid and overdue", "Nobody is late.", Order, "attention=overdue", rows)


def _stuck(now: datetime) -> Panel:
    orders = selectors.get_stuck_orders(now=now, limit=_SHOWN + 1)
    rows = [
        _row(order, order.number, f"{order.status}, placed {timesince(order.placed_at, now)} ago")
        for order in orders
    ]
    return _panel(
        "Paid, not shipped for 2 days",
        "Nobody has waited for 2 days.",
        Order,
        "attention=unshipped",
        rows,
    )


def _low_stock(now: datetime) -> Panel:
    items: Iterable[Any] = selectors.get_low_stock(limit=_SHOWN + 1)
    rows = [_row(item, item.sku, f"{item.sellable} left") for item in items]
    return _panel("Low stock", "The shelves are full.", StockItem, "stock=low", rows)


def _reviews(now: datetime) -> Panel:
    payments = selectors.get_payments_to_review(limit=_SHOWN + 1)
    rows = [
        _row(payment, payment.reference, f"{payment.amount}: {payment.review_reason}")
        for payment in payments
    ]
    calm = "The books and the provider agree."
    return _panel("Payments to review", calm, Payment, "review=open", rows)


def _pending_reviews(now: datetime) -> Panel:
    reviews: Iterable[Any] = selectors.get_reviews_to_moderate(limit=_SHOWN + 1)
    rows = [_row(review, str(review.product), f"{review.rating} of 5") for review in reviews]
    calm = "Every review is decided."
    return _panel("Reviews to approve", calm, Review, "status__exact=pending", rows)


def _failed(now: datetime) -> Panel:
    messages = selectors.get_failed_messages(limit=_SHOWN + 1)
    rows = [_row(message, str(message), message.last_error) for message in messages]
    calm = "Everything was delivered."
    return _panel("Failed mails and messages", calm, OutboxMessage, "state=dead", rows)


_PANELS: Sequence[tuple[str, Callable[[datetime], Panel]]] = (
    ("orders.view_order", _stuck),
    ("orders.view_order", _overdue),
    ("inventory.view_stockitem", _low_stock),
    ("payments.view_payment", _reviews),
    ("catalog.moderate_review", _pending_reviews),
    ("kernel.view_outboxmessage", _failed),
)


def _panel(title: str, calm: str, model: type[Model], query: str, rows: list[Row]) -> Panel:
    return Panel(
        title=title,
        calm=calm,
        link=f"{_list_of(model)}?{query}",
        rows=rows[:_SHOWN],
        has_more=len(rows) > _SHOWN,
    )


def _row(row: Model, title: str, detail: str) -> Row:
    meta = row._meta
    link = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return Row(title=title, detail=detail, link=link)


def _list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
