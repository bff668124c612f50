"""What orders answers to the questions of the apps below; bound in shop_backend/wiring.py."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, IntegerField, OuterRef, Prefetch, Subquery, Sum

from orders.errors import NothingDue, OrderNotFound
from orders.models import Order, OrderEvent, OrderLine, OrderNote, Return
from orders.models.purchases import column_named
from orders.services._lock import lock_order
from orders.services.placing import release_expired_holds
from shipping.models import Shipment, ShipmentLine
from shop_backend.kernel import statements
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money

_NUMBER = "SELECT number FROM orders_order WHERE hidden_at IS NULL"


class OrderPayments:
    """Answers payments: what is due on this order, and is it yours?"""

    def resolve_reference(self, *, order_id: str, customer_id: int | None) -> str:
        """Return the number of the order that an id or a number names.

        :param customer_id: whose it must be; ``None`` for staff.
        :raises OrderNotFound: there is none, or it is another's.
        """
        named = column_named(order_id)
        if named is None:
            raise OrderNotFound
        text, parameters = f"{_NUMBER} AND {named[0]} = %s", [named[1]]
        if customer_id is not None:
            text += " AND customer_id = %s"
            parameters.append(customer_id)
        rows = statements.read(text, parameters)
        if not rows:
            raise OrderNotFound
        return str(rows[0][0])

    def get_amount_due(self, *, reference: str, customer_id: int | None) -> Money:
        """Return what is still to be paid; the order is locked until the caller commits.

        :raises OrderNotFound: there is none, or it is another's.
        :raises NothingDue: it is paid, cancelled or expired.
        """
        order = lock_order(number=reference)
        if customer_id is not None and order.customer_id != customer_id:
            raise OrderNotFound
        due = order.total_minor - order.captured_minor + order.refunded_minor
        if order.status != Order.Status.PENDING or due <= 0:
            raise NothingDue(current=str(order.status))
        return Money(due, order.currency)

    def make_room(self, refusal: ShopError) -> bool:
        """Let go of what overdue orders hold, if that kept late money from its goods."""
        return release_expired_holds(refusal)

    def get_customer_id(self, *, reference: str) -> int:
        """Return whose order it is."""
        return Order.objects.values_list("customer_id", flat=True).get(number=reference)


class OrderDeliveries:
    """Answers catalog: has this person received the product?"""

    def has_received(self, *, user_id: int, product_id: int) -> bool:
        """Return whether a parcel with it arrived, of which not every unit went back."""
        arrived = ShipmentLine.objects.filter(
            shipment__reference=OuterRef("order__number"),
            shipment__status=Shipment.Status.DELIVERED,
            sku=OuterRef("sku"),
        )
        # values() first: one group, so that the subquery has one row.
        units = arrived.order_by().values("sku").annotate(units=Sum("quantity")).values("units")
        lines = OrderLine.objects.filter(
            order__customer_id=user_id, variant__product_id=product_id
        ).annotate(arrived=Subquery(units, output_field=IntegerField()))
        return lines.filter(arrived__gt=F("returned_quantity")).exists()


class OrderRecords:
    """Answers accounts: what do you hold about this person, and forget it."""

    def export(self, *, user_id: int) -> dict[str, Any]:
        """Return the person's orders with their lines, history, returns and notes to them."""
        to_them = OrderNote.objects.filter(is_internal=False).order_by("pk")
        shown_events = OrderEvent.objects.exclude(kind=OrderEvent.INTERNAL_NOTE).order_by("pk")
        orders = (
            Order.objects.filter(customer_id=user_id)
            .with_lines()
            .prefetch_related(
                Prefetch("returns", Return.objects.with_lines().order_by("pk")),
                Prefetch("notes", to_them),
                Prefetch("events", shown_events),
            )
            .order_by("pk")
        )
        return {"orders": [_exported(order) for order in orders]}

    def forget(self, *, user_id: int) -> None:
        """Keep the books: an order's address is its accounting record. Notes are not."""
        Order.objects.filter(customer_id=user_id).update(note="")
        Return.objects.filter(order__customer_id=user_id).update(reason="")
        OrderNote.objects.filter(order__customer_id=user_id).delete()


def _exported(order: Order) -> dict[str, Any]:
    lines: list[Mapping[str, Any]] = [
        {"sku": line.sku, "name": line.name, "quantity": line.quantity}
        for line in order.lines.all()
    ]
    return {
        "number": order.number,
        "placed_at": order.placed_at.isoformat(),
        "total": order.total.decimal_string,
        "currency": order.currency,
        "full_name": order.full_name,
        "email": order.email,
        "line1": order.line1,
        "line2": order.line2,
        "city": order.city,
        "region": order.region,
        "postal_code": order.postal_code,
        "country": order.country,
        "phone": order.phone,
        "note": order.note,
        "lines": lines,
        "returns": [
            {
                "status": str(found.status),
                "reason": found.reason,
                "at": found.created_at.isoformat(),
                "lines": [
                    {"sku": line.order_line.sku, "quantity": line.quantity}
                    for line in found.lines.all()
                ],
            }
            for found in order.returns.all()
        ],
        "notes": [
            {"text": note.text, "at": note.created_at.isoformat()} for note in order.notes.all()
        ],
        "events": [
            {"kind": event.kind, "at": event.created_at.isoformat()} for event in order.events.all()
        ],
    }
