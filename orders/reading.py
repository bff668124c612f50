"""Orders as customers look at them most, in as few queries as there are kinds of rows."""

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, IntegerField

from orders.errors import OrderNotFound
from orders.models import Order, OrderLine
from orders.models.purchases import column_named
from shipping.selectors import HAS_SHIPMENTS
from shop_backend.kernel import statements
from shop_backend.kernel.pagination import COUNT_CAP, PlainPage
from shop_backend.kernel.selects import Columns, Computed, Select

_OWN = "w.customer_id = %s AND w.hidden_at IS NULL"
_PAGE = Select(
    f"""
    SELECT {{columns}} FROM orders_order w
    WHERE {_OWN} ORDER BY w.id DESC LIMIT %s OFFSET %s
    """,  # nosec B608
    Columns("w", Order),
    Computed(
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM orders_order w WHERE {_OWN} LIMIT %s) counted)",  # nosec B608
        IntegerField(),
    ),
)
_ONE = """
    SELECT {columns} FROM orders_order w LEFT JOIN orders_orderline l ON l.order_id = w.id
    WHERE w.hidden_at IS NULL AND w.COLUMN = %s ORDER BY l.id
"""
_BELONGINGS = (
    Columns("w", Order),
    Columns("l", OrderLine),
    Computed(HAS_SHIPMENTS.format(reference="w.number"), BooleanField()),
    Computed("EXISTS (SELECT 1 FROM orders_ordernote n WHERE n.order_id = w.id)", BooleanField()),
)
_BY = {name: Select(_ONE.replace("COLUMN", name), *_BELONGINGS) for name in ("id", "number")}
_LINES = Select(
    "SELECT {columns} FROM orders_orderline l WHERE l.order_id IN ({among}) ORDER BY l.id",
    Columns("l", OrderLine),
)
_ORDER_WIDTH = len(Order._meta.concrete_fields)
_LINE_FIELDS = tuple(field.attname for field in OrderLine._meta.concrete_fields)
LineRow = namedtuple("LineRow", _LINE_FIELDS)  # type: ignore[misc]  # the model's columns


@dataclass(frozen=True, slots=True)
class Found:
    """An order with its lines, and whether there is more to be read of it."""

    order: Order
    has_shipments: bool
    has_notes: bool


def find_order(*, name: str, user: Any) -> Found:
    """Return the order of this id or number that the user may see, with its lines.

    :raises OrderNotFound: there is none, or it is another's.
    """
    named = column_named(name)
    rows = _BY[named[0]].rows([named[1]]) if named else []
    if not rows:
        raise OrderNotFound
    *_, has_shipments, has_notes = rows[0]
    order = statements.build(Order, rows[0][:_ORDER_WIDTH])
    if order.customer_id != user.pk and not user.has_perm("orders.view_order"):
        raise OrderNotFound
    lines = [row[_ORDER_WIDTH : _ORDER_WIDTH + len(_LINE_FIELDS)] for row in rows]
    order.remember_lines([statements.build(OrderLine, line) for line in lines if line[0]])
    return Found(order, bool(has_shipments), bool(has_notes))


def get_page_of_own(*, customer_id: int, page: PlainPage) -> tuple[list[Order], int]:
    """Return a customer's orders on this page, the latest first, and how many there are in all.

    They are counted up to one more than ``COUNT_CAP``; on a page beyond the last it is 0.
    """
    own = [customer_id]
    rows = _PAGE.rows([*own, COUNT_CAP + 1, *own, page.size, page.offset])
    orders = [statements.build(Order, row[:-1]) for row in rows]
    return orders, rows[0][-1] if rows else 0


def get_lines(*, order_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Return the lines of each order as rows of the model's columns, in one query."""
    lines: dict[int, list[Any]] = {pk: [] for pk in order_ids}
    if order_ids:
        for row in _LINES.rows(order_ids, among=order_ids):
            line: Any = LineRow._make(row)
            lines[line.order_id].append(line)
    return lines
