"""What of the recording the shop holds already: read from its own books, so that a run can go on.

An order's note names its invoice, a return's and a refund's reason the credit note.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from django.db.models import Sum

from accounts.models import User
from inventory.models import StockMovement
from orders.models import Order, Return
from payments.models import Refund
from shop_backend.replay.planning import PlannedOrder, PlannedReturn

INVOICE = "Online Retail invoice "
CREDIT_NOTE = "Online Retail credit note "
DELIVERY = "Online Retail delivery"
CUSTOMER = "replay-"
WALK_IN = "replay-walk-in"
MANAGER = "replay-manager"

DEAD = {Order.Status.CANCELLED, Order.Status.EXPIRED}


@dataclass
class Progress:
    """``orders``: number and status by name; ``dead``: tries whose hold ran out, by name.

    ``returns``: id and status, and ``refunded``: whether the money went, by credit note and order
    number. ``delivered``: units received for the replay, by SKU.
    ``customers``: the names of their accounts.
    """

    orders: dict[str, tuple[str, str]] = field(default_factory=dict)
    dead: Counter[str] = field(default_factory=Counter)
    returns: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    refunded: set[tuple[str, str]] = field(default_factory=set)
    delivered: Counter[str] = field(default_factory=Counter)
    customers: set[str] = field(default_factory=set)


def read_progress() -> Progress:
    """Read the shop's books."""
    progress = Progress()
    placed = Order.objects.filter(note__startswith=INVOICE).order_by("pk")
    for note, number, status in placed.values_list("note", "number", "status"):
        name = note.removeprefix(INVOICE)
        if status in DEAD:
            progress.dead[name] += 1
        else:
            progress.orders[name] = (number, status)
    opened = Return.objects.filter(reason__startswith=CREDIT_NOTE)
    for pk, reason, number, status in opened.values_list("pk", "reason", "order__number", "status"):
        progress.returns[reason.removeprefix(CREDIT_NOTE), number] = (pk, status)
    refunds = Refund.objects.filter(reason__startswith=CREDIT_NOTE)
    refunds = refunds.exclude(status=Refund.Status.FAILED)
    for reason, number in refunds.values_list("reason", "payment__reference"):
        progress.refunded.add((reason.removeprefix(CREDIT_NOTE), number))
    progress.delivered.update(_delivered())
    known = User.objects.filter(username__startswith=CUSTOMER)
    progress.customers.update(known.values_list("username", flat=True))
    return progress


def has_other_orders() -> bool:
    """Whether anybody but the replay's customers ever ordered here."""
    return Order.objects.exclude(customer__username__startswith=CUSTOMER).exists()


def _delivered() -> dict[str, int]:
    received = StockMovement.objects.filter(reason=DELIVERY).order_by()
    sums = received.values_list("level__item__sku").annotate(Sum("on_hand_delta"))
    units: dict[str, int] = defaultdict(int)
    for sku, quantity in sums:
        units[sku] += quantity
    return units


def is_done(progress: Progress, task: PlannedOrder | PlannedReturn) -> bool:
    """Whether the shop holds it to its end."""
    if isinstance(task, PlannedOrder):
        return progress.orders.get(task.name, ("", ""))[1] == Order.Status.DELIVERED
    number, _ = progress.orders.get(task.order, ("", ""))
    return (task.credit_note, number) in progress.refunded
