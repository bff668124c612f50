"""Units: levels, their ledger, and what is put aside for whom."""

from datetime import timedelta

from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from inventory.models import Reservation, StockLevel, StockMovement
from orders.models import Order, OrderLine
from shop_backend.invariants.base import total

GRACE = timedelta(minutes=5)
ENDED = [Order.Status.CANCELLED, Order.Status.EXPIRED]
_HELD = Reservation.Status.HELD
_COMMITTED = Reservation.Status.COMMITTED


def levels_out_of_bounds() -> QuerySet[StockLevel]:
    return StockLevel.objects.filter(
        Q(on_hand__lt=0) | Q(reserved__lt=0) | Q(reserved__gt=F("on_hand"))
    )


def levels_beside_their_ledger() -> QuerySet[StockLevel]:
    booked = StockLevel.objects.annotate(
        booked_on_hand=Coalesce(Sum("movements__on_hand_delta"), 0),
        booked_reserved=Coalesce(Sum("movements__reserved_delta"), 0),
    )
    return booked.exclude(booked_on_hand=F("on_hand"), booked_reserved=F("reserved"))


def levels_beside_their_reservations() -> QuerySet[StockLevel]:
    held = Coalesce(Sum("reservations__quantity", filter=Q(reservations__status=_HELD)), 0)
    return StockLevel.objects.annotate(held=held).exclude(held=F("reserved"))


def lines_without_their_units() -> QuerySet[OrderLine]:
    """Held is what an open order has yet to ship; committed is what it has shipped."""
    units = Reservation.objects.filter(
        reference=OuterRef("order__number"), level__item_id=OuterRef("stock_item_id")
    )
    lines = OrderLine.objects.filter(is_tracked=True).annotate(
        held=total(units, "quantity", by="reference", only=Q(status=_HELD)),
        committed=total(units, "quantity", by="reference", only=Q(status=_COMMITTED)),
    )
    # Each sum is named once, because the database works it out as often as it is named.
    due = Case(
        When(order__status__in=ENDED, then=Value(0)),
        default=F("quantity") - F("shipped_quantity"),
        output_field=BigIntegerField(),
    )
    return lines.annotate(due=due).exclude(committed=F("shipped_quantity"), held=F("due"))


def lines_with_too_much_taken_back() -> QuerySet[OrderLine]:
    back = StockMovement.objects.filter(
        kind=StockMovement.Kind.RETURN,
        reference=OuterRef("order__number"),
        level__item_id=OuterRef("stock_item_id"),
    )
    restocked = total(back, "on_hand_delta", by="reference")
    lines = OrderLine.objects.filter(is_tracked=True).annotate(restocked=restocked)
    return lines.filter(restocked__gt=F("returned_quantity"))


def holds_of_no_order() -> QuerySet[Reservation]:
    orders = Order.objects.filter(number=OuterRef("reference"))
    return Reservation.objects.held().filter(~Exists(orders))


def holds_past_their_expiry() -> QuerySet[Reservation]:
    return Reservation.objects.held().filter(expires_at__lt=timezone.now() - GRACE)
