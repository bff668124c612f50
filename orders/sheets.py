"""Orders for a spreadsheet."""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from orders.models import Order
from shop_backend.kernel.money import Money
from shop_backend.kernel.sheets import csv_answer

HEADINGS = (
    "number",
    "placed at",
    "status",
    "customer",
    "email",
    "name",
    "country",
    "total",
    "currency",
)
_ROWS_AT_ONCE = 500


def as_csv(orders: QuerySet[Order]) -> StreamingHttpResponse:
    """Return these orders as a download, a line each, oldest first."""
    found = orders.prefetch_related(None).select_related("customer").order_by("pk")
    return csv_answer("orders", HEADINGS, map(_row, found.iterator(chunk_size=_ROWS_AT_ONCE)))


def _row(order: Order) -> list[Any]:
    return [
        order.number,
        order.placed_at.isoformat(),
        order.status,
        order.customer.username,
        order.email,
        order.full_name,
        order.country,
        Decimal(Money(order.total_minor, order.currency).decimal_string),
        order.currency,
    ]
