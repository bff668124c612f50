"""What the shop must make of the recording: orders, returns, and what it cannot take.

Everything here follows from the file and the shop's limits alone, so that a second run plans
what the first did, and the comparison knows what to expect.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from shop_backend.replay.invoices import Invoice, Line

PENCE = 100


@dataclass(frozen=True)
class PlannedOrder:
    """What one invoice bought, each SKU at one price; prices and totals in pence.

    ``name`` is the invoice's number, and ``/2`` and so on where one invoice has a SKU at a second
    price: that takes a second order.
    """

    name: str
    customer: str
    country: str
    units: Mapping[str, int]
    prices: Mapping[str, int]

    @property
    def total_minor(self) -> int:
        """What it comes to, in pence."""
        return sum(self.units[sku] * self.prices[sku] for sku in self.units)


@dataclass(frozen=True)
class PlannedReturn:
    """What one credit note takes back of one order, and the money it gives back, in pence."""

    credit_note: str
    customer: str
    order: str
    units: Mapping[str, int]
    refund_minor: int


@dataclass(frozen=True)
class LeftOut:
    """Units of one line that cannot be replayed, and why. ``amount`` in pounds, as the file."""

    invoice: str
    reason: str
    units: int
    amount: Decimal


@dataclass
class Plan:
    """What is to be done, and what is left out."""

    orders: list[PlannedOrder] = field(default_factory=list)
    returns: list[PlannedReturn] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def demand(self) -> Counter[str]:
        """Units of each SKU that the orders ask for."""
        units: Counter[str] = Counter()
        for order in self.orders:
            units.update(order.units)
        return units


@dataclass(frozen=True)
class Limits:
    """What the shop takes: its SKUs, why other codes are none, and how much an order may hold."""

    skus: frozenset[str]
    no_goods: Mapping[str, str]
    max_line_quantity: int
    max_lines: int


@dataclass
class _Purchase:
    """Units of one SKU that a customer has and may send back."""

    order: str
    price_minor: int
    left: int


def make_plan(invoices: Iterable[Invoice], limits: Limits) -> Plan:
    """Say what the shop must make of the invoices, in the file's order."""
    planner = _Planner(limits)
    for invoice in invoices:
        planner.add(invoice)
    return planner.plan


class _Planner:
    def __init__(self, limits: Limits) -> None:
        self.plan = Plan()
        self._limits = limits
        self._bought: dict[tuple[str, str], list[_Purchase]] = defaultdict(list)
        self._money_left: dict[str, int] = {}

    def add(self, invoice: Invoice) -> None:
        sales: list[Line] = []
        returns: list[Line] = []
        for line in invoice.lines:
            reason = self._reason_to_leave_out(invoice, line)
            if reason:
                self._leave_out(invoice, line, reason)
            else:
                (sales if line.quantity > 0 else returns).append(line)
        for place, part in enumerate(_parts(sales)):
            self._add_order(invoice, place, part)
        if returns:
            self._add_returns(invoice, returns)

    def _reason_to_leave_out(self, invoice: Invoice, line: Line) -> str:
        if line.sku in self._limits.no_goods:
            return f"not in the catalogue: {self._limits.no_goods[line.sku]}"
        if line.sku not in self._limits.skus:
            return "not in the catalogue: unknown"
        if line.unit_price <= 0:
            return "free of charge" if line.quantity > 0 else "written off: no price"
        if line.unit_price * PENCE % 1:
            return "a price with a fraction of a penny"
        if line.quantity < 0 and not invoice.customer:
            return "returned without a customer: no purchase can be told"
        return ""

    def _leave_out(self, invoice: Invoice, line: Line, reason: str) -> None:
        left_out = LeftOut(invoice.number, reason, line.quantity, line.amount)
        self.plan.left_out.append(left_out)

    def _add_order(self, invoice: Invoice, place: int, part: list[Line]) -> None:
        part = self._within_limits(invoice, part)
        if not part:
            return
        order = PlannedOrder(
            name=f"{invoice.number}/{place + 1}" if place else invoice.number,
            customer=invoice.customer,
            country=invoice.country,
            units=_units(part),
            prices={line.sku: int(line.unit_price * PENCE) for line in part},
        )
        self.plan.orders.append(order)
        self._money_left[order.name] = order.total_minor
        for sku, units in order.units.items():
            self._bought[order.customer, sku].append(
                _Purchase(order.name, order.prices[sku], units)
            )

    def _within_limits(self, invoice: Invoice, part: list[Line]) -> list[Line]:
        units = _units(part)
        kept = []
        for line in part:
            if len(units) > self._limits.max_lines:
                reason = f"more than {self._limits.max_lines:,} lines (MAX_CART_LINES)"
                self._leave_out(invoice, line, reason)
            elif units[line.sku] > self._limits.max_line_quantity:
                most = self._limits.max_line_quantity
                self._leave_out(invoice, line, f"more than {most:,} units (MAX_LINE_QUANTITY)")
            else:
                kept.append(line)
        return kept

    def _add_returns(self, invoice: Invoice, lines: list[Line]) -> None:
        units: dict[str, Counter[str]] = defaultdict(Counter)
        money: Counter[str] = Counter()
        for line in lines:
            for order, taken, refund_minor in self._match(invoice, line):
                units[order][line.sku] += taken
                money[order] += refund_minor
        self.plan.returns += [
            PlannedReturn(invoice.number, invoice.customer, order, dict(taken), money[order])
            for order, taken in units.items()
        ]

    def _match(self, invoice: Invoice, line: Line) -> list[tuple[str, int, int]]:
        """Take the line's units from what the customer bought before: same price, newest first."""
        price_minor = int(line.unit_price * PENCE)
        wanted = -line.quantity
        matched = []
        is_too_dear = False
        bought = self._bought.get((invoice.customer, line.sku), [])
        for purchase in sorted(reversed(bought), key=lambda one: one.price_minor != price_minor):
            affordable = self._money_left[purchase.order] // price_minor
            taken = min(wanted, purchase.left, affordable)
            is_too_dear |= affordable < min(wanted, purchase.left)
            if taken:
                purchase.left -= taken
                self._money_left[purchase.order] -= taken * price_minor
                matched.append((purchase.order, taken, taken * price_minor))
                wanted -= taken
        if wanted:
            reason = "returned without an earlier purchase in the file"
            if is_too_dear:
                reason = "credited with more than was paid for the purchase"
            self._leave_out(invoice, line._replace(quantity=-wanted), reason)
        return matched


def _parts(lines: Iterable[Line]) -> list[list[Line]]:
    """Deal the lines out so that no part has one SKU at two prices."""
    parts: list[tuple[dict[str, Decimal], list[Line]]] = []
    for line in lines:
        for known, part in parts:
            if known.setdefault(line.sku, line.unit_price) == line.unit_price:
                part.append(line)
                break
        else:
            parts.append(({line.sku: line.unit_price}, [line]))
    return [part for _, part in parts]


def _units(lines: Iterable[Line]) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in lines:
        units[line.sku] += line.quantity
    return units
