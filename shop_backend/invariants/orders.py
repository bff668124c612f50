"""What an order says about itself: its sums, its cart, its history."""

from django.db.models import (
    CharField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    Window,
)
from django.db.models.functions import Coalesce, Lag

from cart.models import Cart
from orders.models import Order, OrderEvent
from shipping.models import Shipment, ShipmentEvent


def orders_that_do_not_add_up() -> QuerySet[Order]:
    net = F("subtotal_minor") - F("discount_minor") + F("shipping_minor")
    return Order.objects.filter(
        Q(total_minor__lt=0)
        | (Q(is_tax_included=True) & ~Q(total_minor=net))
        | (Q(is_tax_included=False) & ~Q(total_minor=net + F("tax_minor")))
    )


def orders_beside_their_lines() -> QuerySet[Order]:
    sums = Order.objects.annotate(
        line_count=Count("lines"),
        of_lines=Coalesce(Sum("lines__line_total_minor"), 0),
        discount_of_lines=Coalesce(Sum("lines__discount_minor"), 0),
        tax_of_lines=Coalesce(Sum("lines__tax_minor"), 0),
    )
    return sums.filter(
        Q(line_count=0)
        | ~Q(subtotal_minor=F("of_lines"))
        | ~Q(discount_minor=F("discount_of_lines"))
        | ~Q(tax_minor=F("tax_of_lines") + F("shipping_tax_minor"))
    )


# Not the key itself: PostgreSQL, without statistics, would go through all histories by their keys
# to find the first line of one.
_AGE = F("pk") + 0


def carts_bought_twice_or_open_twice() -> QuerySet[Cart]:
    others = Cart.objects.filter(open_for=OuterRef("open_for")).exclude(pk=OuterRef("pk"))
    counted = Order.objects.filter(cart=OuterRef("pk")).order_by().values("cart")
    is_bought_twice = Exists(counted.annotate(orders=Count("pk")).filter(orders__gt=1))
    is_open_and_bought = Q(open_for__isnull=False) & Exists(
        Order.objects.filter(cart=OuterRef("pk"))
    )
    is_anothers = Q(open_for__isnull=False) & ~Q(open_for=F("user_id"))
    return Cart.objects.filter(is_bought_twice | is_open_and_bought | is_anothers | Exists(others))


def orders_beside_their_history() -> QuerySet[Order]:
    """The last line of the history says the present status, and ``placed`` is its first."""
    events = OrderEvent.objects.filter(order=OuterRef("pk"))
    last = events.order_by(-_AGE).values("status")[:1]
    first = events.order_by(_AGE).values("kind")[:1]
    told = Order.objects.annotate(
        told=Coalesce(Subquery(last, output_field=CharField()), Value("")),
        began=Coalesce(Subquery(first, output_field=CharField()), Value("")),
    )
    return told.exclude(told=F("status"), began="placed")


def events_that_no_rule_allows() -> QuerySet[OrderEvent]:
    """Each step of the history is one that the order's state table knows."""
    steps = OrderEvent.objects.annotate(
        before=Window(Lag("status"), partition_by="order_id", order_by="pk")
    )
    is_legal = Q(before=F("status"))
    is_legal |= Q(before=None, status__in=[Order.Status.PENDING, Order.Status.PAID])
    for before, allowed in Order.TRANSITIONS.items():
        is_legal |= Q(before=before, status__in=sorted(allowed))
    return steps.exclude(is_legal)


def shipments_beside_their_history() -> QuerySet[Shipment]:
    last = ShipmentEvent.objects.filter(shipment=OuterRef("pk")).order_by(-_AGE)
    told = Subquery(last.values("status")[:1], output_field=CharField())
    return Shipment.objects.annotate(told=Coalesce(told, Value(""))).exclude(told=F("status"))
