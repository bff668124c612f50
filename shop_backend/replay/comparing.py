"""Compares the shop's books with the plan: every order, return, refund and shelf."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.db.models import Sum

from inventory.models import StockLevel, StockMovement
from orders.models import Order, OrderLine, Return
from payments.models import Payment, Refund
from shop_backend.replay.planning import Plan, PlannedOrder, PlannedReturn
from shop_backend.replay.progress import CREDIT_NOTE, CUSTOMER, DEAD, DELIVERY, INVOICE, WALK_IN

_ARRIVALS = (StockMovement.Kind.RECEIPT, StockMovement.Kind.ADJUSTMENT)


@dataclass
class Books:
    """What the shop holds of the replay, read from its tables; money in pence."""

    orders: list["BookedOrder"] = field(default_factory=list)
    returned: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    refunded: Counter[tuple[str, str]] = field(default_factory=Counter)
    captured_minor: int = 0
    refunded_minor: int = 0

    @property
    def units(self) -> int:
        """Units that were shipped."""
        return sum(line[0] for order in self.orders for line in order.lines.values())

    @property
    def units_returned(self) -> int:
        """Units that came back and were restocked."""
        return sum(units.total() for units in self.returned.values())


@dataclass
class BookedOrder:
    """One order as the shop holds it; ``lines``: shipped units and unit price by SKU."""

    name: str
    number: str
    customer: str
    status: str
    total_minor: int
    captured_minor: int
    refunded_minor: int
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)


def read_books() -> Books:
    """Read all that the replay's customers ordered and sent back."""
    books = Books()
    by_pk: dict[int, BookedOrder] = {}
    placed = Order.objects.exclude(status__in=DEAD).filter(customer__username__startswith=CUSTOMER)
    columns = ("number", "customer__username", "status", "total_minor", "captured_minor")
    for pk, note, *rest in placed.order_by("pk").values_list(
        "pk", "note", *columns, "refunded_minor"
    ):
        by_pk[pk] = BookedOrder(note.removeprefix(INVOICE), *rest)
    for pk, sku, shipped, price in OrderLine.objects.filter(order_id__in=placed).values_list(
        "order_id", "sku", "shipped_quantity", "unit_price_minor"
    ):
        by_pk[pk].lines[sku] = (shipped, price)
    books.orders = list(by_pk.values())
    _read_returns(books)
    captured = Payment.objects.filter(customer__username__startswith=CUSTOMER)
    books.captured_minor = captured.aggregate(Sum("captured_minor"))["captured_minor__sum"] or 0
    return books


def find_differences(plan: Plan, books: Books) -> list[str]:
    """Return a sentence for each thing that is not as planned; none, if all is explained."""
    back: dict[str, list[PlannedReturn]] = defaultdict(list)
    for wanted in plan.returns:
        back[wanted.order].append(wanted)
    return [
        *_orders_that_differ(plan, books, back),
        *_returns_that_differ(plan, books),
        *_shelves_that_differ(plan),
        *_totals_that_differ(plan, books),
    ]


def _read_returns(books: Books) -> None:
    restocked = Return.objects.filter(status=Return.Status.RESTOCKED)
    for note, order_note, sku, good in restocked.values_list(
        "reason", "order__note", "lines__order_line__sku", "lines__good_quantity"
    ):
        key = (note.removeprefix(CREDIT_NOTE), order_note.removeprefix(INVOICE))
        books.returned.setdefault(key, Counter())[sku] += good
    names = {order.number: order.name for order in books.orders}
    refunds = Refund.objects.filter(status=Refund.Status.SUCCEEDED)
    for reason, number, amount_minor in refunds.values_list(
        "reason", "payment__reference", "amount_minor"
    ):
        key = (reason.removeprefix(CREDIT_NOTE), names.get(number, number))
        books.refunded[key] += amount_minor
        books.refunded_minor += amount_minor


def _orders_that_differ(
    plan: Plan, books: Books, back: Mapping[str, list[PlannedReturn]]
) -> Iterator[str]:
    booked: dict[str, list[BookedOrder]] = defaultdict(list)
    for order in books.orders:
        booked[order.name].append(order)
    for planned in plan.orders:
        found = booked.pop(planned.name, [])
        if len(found) != 1:
            yield f"invoice {planned.name}: {len(found)} orders in the shop, 1 expected"
            continue
        refund_minor = sum(one.refund_minor for one in back[planned.name])
        yield from _order_differs(planned, found[0], refund_minor)
    for name, orders in booked.items():
        numbers = ", ".join(order.number for order in orders)
        yield f"order {numbers}: nothing of this run's invoices ({name!r})"


def _order_differs(planned: PlannedOrder, found: BookedOrder, refund_minor: int) -> Iterator[str]:
    lines = {sku: (units, planned.prices[sku]) for sku, units in planned.units.items()}
    customer = f"{CUSTOMER}{planned.customer}" if planned.customer else WALK_IN
    facts = {
        "customer": (customer, found.customer),
        "status": (str(Order.Status.DELIVERED), found.status),
        "total in pence": (planned.total_minor, found.total_minor),
        "captured in pence": (planned.total_minor, found.captured_minor),
        "refunded in pence": (refund_minor, found.refunded_minor),
    }
    for what, (expected, got) in facts.items():
        if expected != got:
            yield f"invoice {planned.name}: {what} {got} in the shop, {expected} expected"
    for sku in sorted(lines.keys() | found.lines.keys()):
        if lines.get(sku) != found.lines.get(sku):
            yield (
                f"invoice {planned.name}, {sku}: shipped units and price"
                f" {found.lines.get(sku)} in the shop, {lines.get(sku)} expected"
            )


def _returns_that_differ(plan: Plan, books: Books) -> Iterator[str]:
    planned = {(wanted.credit_note, wanted.order): wanted for wanted in plan.returns}
    for key in sorted(planned.keys() | books.returned.keys() | books.refunded.keys()):
        wanted = planned.get(key)
        units = dict(wanted.units) if wanted else {}
        got = dict(books.returned.get(key, {}))
        if units != got:
            yield f"credit note {key}: came back {got}, {units} expected"
        money = wanted.refund_minor if wanted else 0
        if books.refunded[key] != money:
            yield f"credit note {key}: refunded {books.refunded[key]} pence, {money} expected"


def _shelves_that_differ(plan: Plan) -> Iterator[str]:
    """Compare each SKU's shelf: what arrived, less what was sold, and what came back."""
    sold = plan.demand
    back: Counter[str] = Counter()
    for wanted in plan.returns:
        back.update(wanted.units)
    arrivals = StockMovement.objects.filter(kind__in=_ARRIVALS)
    arrived = _by_sku(arrivals.values_list("level__item__sku", "on_hand_delta"))
    delivered = _by_sku(
        arrivals.filter(reason=DELIVERY).values_list("level__item__sku", "on_hand_delta")
    )
    on_hand = _by_sku(StockLevel.objects.values_list("item__sku", "on_hand"))
    reserved = _by_sku(StockLevel.objects.values_list("item__sku", "reserved"))
    for sku in sorted(on_hand.keys() | sold.keys()):
        expected = arrived[sku] - sold[sku] + back[sku]
        if on_hand[sku] != expected:
            yield f"shelf {sku}: {on_hand[sku]} on hand, {expected} expected"
        if reserved[sku]:
            yield f"shelf {sku}: {reserved[sku]} reserved, 0 expected"
        if delivered[sku] != sold[sku]:
            yield f"shelf {sku}: {delivered[sku]} received for the replay, {sold[sku]} expected"


def _totals_that_differ(plan: Plan, books: Books) -> Iterator[str]:
    accepted = sum(order.total_minor for order in plan.orders)
    if books.captured_minor != accepted:
        yield f"captured altogether: {books.captured_minor} pence, {accepted} expected"
    refunded = sum(wanted.refund_minor for wanted in plan.returns)
    if books.refunded_minor != refunded:
        yield f"refunded altogether: {books.refunded_minor} pence, {refunded} expected"


def _by_sku(rows: Iterable[tuple[str, int]]) -> Counter[str]:
    units: Counter[str] = Counter()
    for sku, quantity in rows:
        units[sku] += quantity
    return units
