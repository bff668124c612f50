"""Goods that come back: asked for, agreed to, received, restocked. Refunds are not made here.

Units are counted on the order's lines by guarded UPDATEs: ``returning_quantity`` while a return
is open, ``returned_quantity`` once the goods are in the house. They reach the shelf, and the
stock ledger, when the return is restocked.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.selectors import hold_caller
from inventory import selectors as inventory_selectors
from inventory import services as inventory
from orders.errors import (
    MoreReceivedThanAsked,
    NotLeftToReturn,
    OrderActionRefused,
    OrderLineNotFound,
    ReturnNotFound,
    ReturnWindowClosed,
)
from orders.models import Order, OrderLine, Return, ReturnLine
from orders.selectors import RETURN_PERMISSIONS, get_return_deadline
from orders.services import history
from orders.services._lock import lock_order
from shop_backend.kernel import transactions

GOODS_CAME_BACK = "Return {pk}"
Lines = Sequence[ReturnLine]


@dataclass(frozen=True)
class ReturnItem:
    """So many units of one line of the order."""

    line_id: int
    quantity: int


@dataclass(frozen=True)
class Receipt:
    """In which condition the units of one line of the return arrived."""

    line_id: int
    good: int
    damaged: int


@dataclass(frozen=True)
class ReturnStep:
    """Where a return is to go, and what has to be said on the way there.

    ``receipts`` for ``received``: ``None`` means that all came back in good condition; a line
    that is left out did not come. ``location`` for ``restocked``: a location's code, ``None``
    for the default one.
    """

    status: str
    receipts: Sequence[Receipt] | None = None
    location: str | None = None


@transactions.use_case
def ask_for_return(
    *, number: str, items: Sequence[ReturnItem], reason: str, actor_id: int, now: datetime
) -> Return:
    """Ask, as the customer, to send units back.

    :raises ReturnWindowClosed: they were delivered too long ago.
    :raises OrderLineNotFound: the order has no such line.
    :raises NotLeftToReturn: so many were not shipped, or are in another return.
    :raises InvalidToken: the customer's account has ended meanwhile.
    """
    hold_caller(user_id=actor_id)
    order = lock_order(number=number)
    deadline = get_return_deadline(order)
    if deadline is not None and now > deadline:
        raise ReturnWindowClosed(days=settings.RETURN_DAYS)
    return _open_return(order, items, reason, actor_id)


@transactions.use_case
def open_return_as_staff(
    *, number: str, items: Sequence[ReturnItem], reason: str, actor_id: int
) -> Return:
    """Open a return for a customer; goodwill knows no deadline.

    :raises OrderLineNotFound: the order has no such line.
    :raises NotLeftToReturn: so many were not shipped, or are in another return.
    """
    return _open_return(lock_order(number=number), items, reason, actor_id)


@transactions.use_case
def move_return(*, number: str, return_id: int, step: ReturnStep, actor: User) -> Return:
    """Do what the status means: agree, refuse, take the goods in, put them on the shelf.

    :raises OrderActionRefused: the actor's role does not allow it.
    :raises ReturnNotFound: the order has no such return.
    :raises IllegalReturnTransition: the present status does not lead there.
    :raises OrderLineNotFound, MoreReceivedThanAsked: the receipts do not fit the return.
    :raises LocationNotFound: there is no such location.
    """
    if not actor.has_perm(RETURN_PERMISSIONS[step.status]):
        raise OrderActionRefused
    order = lock_order(number=number)
    try:
        # A locking read sees what another worker has just done, on MariaDB too.
        found = Return.objects.select_for_update().get(pk=return_id, order=order)
    except Return.DoesNotExist as error:
        raise ReturnNotFound from error
    found.order = order
    found.transition_to(step.status)
    found.received_at = (
        timezone.now() if step.status == Return.Status.RECEIVED else found.received_at
    )
    found.save(update_fields=["status", "received_at"])
    lines = list(found.lines.select_related("order_line").order_by("order_line_id"))
    effect = _EFFECTS[step.status](found, lines, step, actor)
    history.record(
        order=order,
        kind=f"return_{step.status}",
        actor_id=actor.pk,
        return_id=found.pk,
        **effect,
    )
    return found


def _open_return(order: Order, items: Sequence[ReturnItem], reason: str, actor_id: int) -> Return:
    units: Counter[int] = Counter()
    for item in items:
        units[item.line_id] += item.quantity
    lines = {line.pk: line for line in order.lines.filter(pk__in=units)}
    opened = Return.objects.create(order=order, reason=reason, requested_by_id=actor_id)
    for line_id, quantity in sorted(units.items()):
        if line_id not in lines:
            raise OrderLineNotFound(line=line_id)
        _claim(lines[line_id], quantity)
    ReturnLine.objects.bulk_create(
        ReturnLine(returned_in=opened, order_line=lines[line_id], quantity=quantity)
        for line_id, quantity in sorted(units.items())
    )
    history.record(order=order, kind="return_requested", actor_id=actor_id, return_id=opened.pk)
    return opened


def _claim(line: OrderLine, quantity: int) -> None:
    """Count the units as on their way back, or find that they are not there to come."""
    back = F("returned_quantity") + F("returning_quantity")
    is_claimed = OrderLine.objects.filter(pk=line.pk, shipped_quantity__gte=back + quantity).update(
        returning_quantity=F("returning_quantity") + quantity
    )
    if not is_claimed:
        line.refresh_from_db()
        raise NotLeftToReturn(sku=line.sku, left=line.returnable_quantity, requested=quantity)


def _agree(found: Return, lines: Lines, step: ReturnStep, actor: User) -> dict[str, int]:
    return {}


def _let_go(found: Return, lines: Lines, step: ReturnStep, actor: User) -> dict[str, int]:
    """Free the units that will not come back under this return."""
    for line in lines:
        _count_back(line, 0)
    return {}


def _receive(found: Return, lines: Lines, step: ReturnStep, actor: User) -> dict[str, int]:
    arrived = _get_arrived(lines, step.receipts)
    for line in lines:
        line.good_quantity, line.damaged_quantity = arrived.get(line.pk, (0, 0))
        units = line.good_quantity + line.damaged_quantity
        if units > line.quantity:
            raise MoreReceivedThanAsked(
                sku=line.order_line.sku, asked=line.quantity, received=units
            )
        line.save(update_fields=["good_quantity", "damaged_quantity"])
        _count_back(line, units)
    return {
        "good": sum(line.good_quantity for line in lines),
        "damaged": sum(line.damaged_quantity for line in lines),
    }


def _restock(found: Return, lines: Lines, step: ReturnStep, actor: User) -> dict[str, int]:
    location_id = None
    if step.location is not None:
        location_id = inventory_selectors.get_location(code=step.location).pk
    all_units: Counter[int] = Counter()
    damaged: Counter[int] = Counter()
    for line in lines:
        if line.order_line.is_tracked:
            item_id = line.order_line.stock_item_id
            all_units[item_id] += line.good_quantity + line.damaged_quantity
            damaged[item_id] += line.damaged_quantity
    inventory.take_back(
        reference=found.order.number,
        quantities=+all_units,
        damaged=+damaged,
        location_id=location_id,
        reason=GOODS_CAME_BACK.format(pk=found.pk),
        actor_id=actor.pk,
    )
    return {}


def _get_arrived(lines: Lines, receipts: Sequence[Receipt] | None) -> dict[int, tuple[int, int]]:
    """Return the good and the damaged units per line of the return."""
    if receipts is None:
        return {line.pk: (line.quantity, 0) for line in lines}
    good: Counter[int] = Counter()
    damaged: Counter[int] = Counter()
    known = {line.pk for line in lines}
    for receipt in receipts:
        if receipt.line_id not in known:
            raise OrderLineNotFound(line=receipt.line_id)
        good[receipt.line_id] += receipt.good
        damaged[receipt.line_id] += receipt.damaged
    return {pk: (good[pk], damaged[pk]) for pk in good}


def _count_back(line: ReturnLine, units: int) -> None:
    """Close the line's claim on the order; so many of its units are in the house again."""
    is_counted = OrderLine.objects.filter(
        pk=line.order_line_id, returning_quantity__gte=line.quantity
    ).update(
        returning_quantity=F("returning_quantity") - line.quantity,
        returned_quantity=F("returned_quantity") + units,
    )
    if not is_counted:
        raise AssertionError(f"Order line {line.order_line_id} does not wait for {line.quantity}.")


_EFFECTS: dict[str, Callable[[Return, Lines, ReturnStep, User], dict[str, int]]] = {
    Return.Status.APPROVED: _agree,
    Return.Status.REJECTED: _let_go,
    Return.Status.RECEIVED: _receive,
    Return.Status.RESTOCKED: _restock,
    Return.Status.CLOSED: _let_go,
}
