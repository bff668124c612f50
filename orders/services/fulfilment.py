"""Parcels: what may be packed, and what happens to the order as they travel."""

from collections.abc import Mapping, Sequence

from django.db.models import Case, F, IntegerField, Value, When

from inventory import services as inventory
from orders.errors import NothingLeftToShip, NotLeftToShip, NotShippable
from orders.events import OrderDelivered, OrderShipped
from orders.models import Order, OrderLine
from orders.services import history
from orders.services._lock import lock_order, lock_order_named
from shipping import selectors as shipping_selectors
from shipping.events import ShipmentDelivered, ShipmentShipped
from shipping.models import Shipment
from shipping.ports import Parcel, ParcelLine
from shop_backend.kernel import events

_SHIPPABLE = {Order.Status.PAID, Order.Status.PROCESSING}


class OrderFulfilment:
    """Answers shipping's question: may these lines ship?"""

    def lock(self, *, reference: str) -> None:
        """Lock the order until the caller's transaction ends.

        :raises OrderNotFound: there is no such order.
        """
        lock_order(number=reference)

    def claim_parcel(
        self, *, reference: str, lines: Sequence[ParcelLine] | None, actor_id: int | None
    ) -> Parcel:
        """Return what goes into the parcel; the order is locked until the caller commits.

        :raises OrderNotFound: there is no such order.
        :raises NotShippable: it is not paid, or over.
        :raises NotLeftToShip, NothingLeftToShip: those units are in another parcel.
        """
        order = lock_order_named(reference)
        if order.status not in _SHIPPABLE or order.hidden_at is not None:
            raise NotShippable(current=str(order.status))
        if order.total_minor and order.captured_minor <= order.refunded_minor:
            raise NotShippable(current="refunded")
        lines_of_order = list(order.lines.all())
        left = _get_left(order, lines_of_order)
        names = {line.sku: line.name for line in lines_of_order}
        wanted = _get_wanted(lines, left)
        if order.status == Order.Status.PAID:
            order.transition_to(Order.Status.PROCESSING)
            order.save(update_fields=["status"])
            history.record(order=order, kind="processing", actor_id=actor_id)
        return Parcel(
            reference=order.number,
            customer_id=order.customer_id,
            lines=tuple(ParcelLine(sku, units, names[sku]) for sku, units in wanted.items()),
        )


def on_shipment_shipped(event: ShipmentShipped) -> None:
    """Let the goods leave the stock, and the order be shipped once nothing is left."""
    order = lock_order(number=event.reference)
    lines = {line.sku: line for line in order.lines.all()}
    shipped = {lines[sku].pk: units for sku, units in event.units}
    if not _count_shipped(shipped):
        raise _too_many(lines, event)
    leaving = {
        lines[sku].stock_item_id: units for sku, units in event.units if lines[sku].is_tracked
    }
    # The lines were read under the order's lock, which whoever counts them holds.
    is_complete = all(
        line.shipped_quantity + shipped.get(line.pk, 0) >= line.quantity for line in lines.values()
    )
    if is_complete:
        order.transition_to(Order.Status.SHIPPED)
        order.save(update_fields=["status"])
    history.record(
        order=order,
        kind="shipped" if is_complete else "partially_shipped",
        actor_id=event.actor_id,
        shipment_id=event.shipment_id,
    )
    events.publish(OrderShipped(order.pk, event.shipment_id))
    if leaving:
        inventory.commit(reference=order.number, quantities=leaving)


def on_shipment_delivered(event: ShipmentDelivered) -> None:
    """An order is delivered when all its parcels are."""
    order = lock_order(number=event.reference)
    shipments = shipping_selectors.get_shipments(references=[order.number])[order.number]
    arrived = {Shipment.Status.DELIVERED, Shipment.Status.CANCELLED}  # or never left
    is_complete = order.status == Order.Status.SHIPPED and all(
        shipment.status in arrived for shipment in shipments
    )
    if is_complete:
        order.transition_to(Order.Status.DELIVERED)
        order.save(update_fields=["status"])
    history.record(
        order=order,
        kind="delivered" if is_complete else "partially_delivered",
        actor_id=event.actor_id,
        shipment_id=event.shipment_id,
    )
    if is_complete:
        events.publish(OrderDelivered(order.pk))


def _count_shipped(units_by_line: Mapping[int, int]) -> bool:
    """Count the units as shipped, in one statement; return whether every line had them left.

    If one had not, the caller's transaction must not commit.
    """
    units = Case(
        *(When(pk=pk, then=Value(units)) for pk, units in units_by_line.items()),
        output_field=IntegerField(),
    )
    rows = OrderLine.objects.filter(
        pk__in=list(units_by_line), quantity__gte=F("shipped_quantity") + units
    )
    return rows.update(shipped_quantity=F("shipped_quantity") + units) == len(units_by_line)


def _too_many(lines: Mapping[str, OrderLine], event: ShipmentShipped) -> NotLeftToShip:
    for sku, units in event.units:
        left = lines[sku].quantity - lines[sku].shipped_quantity
        if units > left:
            return NotLeftToShip(sku=sku, left=left, requested=units)
    raise AssertionError("the lines do not change under the order's lock")


def _get_left(order: Order, lines: Sequence[OrderLine]) -> dict[str, int]:
    packed = shipping_selectors.get_parcelled_units(reference=order.number)
    return {line.sku: line.quantity - packed.get(line.sku, 0) for line in lines}


def _get_wanted(lines: Sequence[ParcelLine] | None, left: Mapping[str, int]) -> dict[str, int]:
    if lines is None:
        wanted = {sku: units for sku, units in left.items() if units > 0}
    else:
        wanted = {}
        for line in lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    if not wanted:
        raise NothingLeftToShip
    for sku, units in wanted.items():
        if units > left.get(sku, 0):
            raise NotLeftToShip(sku=sku, left=left.get(sku, 0), requested=units)
    return wanted
