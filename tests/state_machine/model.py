"""What a shop is, in plain Python: no database, no Django, nobody who comes at the same time.

Each method does what somebody asks for and says how it ended: ``OK``, or the code of the refusal.
It stands for the rules as a shop worker would tell them; it shares no line with the shop.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

OK = "ok"
SHIPPING = 399
PERCENT = 10
OVER = {"cancelled", "expired"}
RETURN_STEPS = {
    "approved": "requested",
    "rejected": "requested",
    "received": "approved",
    "closed": "approved",
    "restocked": "received",
}


@dataclass
class Shelf:
    price: int
    on_hand: int
    reserved: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass
class Line:
    quantity: int
    shipped: int = 0
    returning: int = 0
    returned: int = 0


@dataclass
class Payment:
    """``there``: what the provider knows of it (``open``, ``collected``, ``dead``)."""

    amount: int
    status: str = "open"
    there: str = "open"
    captured: int = 0
    refunded: int = 0


@dataclass
class Return:
    units: dict[str, int]
    status: str = "requested"
    good: dict[str, int] = field(default_factory=dict)


@dataclass
class Order:
    customer: int
    lines: dict[str, Line]
    subtotal: int
    discount: int
    has_coupon: bool
    status: str = "pending"
    is_overdue: bool = False
    holds_coupon: bool = False
    payments: list[Payment] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.subtotal - self.discount + SHIPPING

    @property
    def captured(self) -> int:
        return sum(payment.captured for payment in self.payments)

    @property
    def refunded(self) -> int:
        return sum(payment.refunded for payment in self.payments)

    @property
    def kept(self) -> int:
        return self.captured - self.refunded


@dataclass
class Cart:
    units: dict[str, int] = field(default_factory=dict)
    has_coupon: bool = False


class Shop:
    """One shelf for each SKU, a coupon with limits, and as many customers as come."""

    def __init__(self, shelves: dict[str, Shelf], *, coupon_limit: int, per_customer: int) -> None:
        self.shelves = shelves
        self.coupon_limit, self.per_customer = coupon_limit, per_customer
        self.uses: Counter[int] = Counter()
        self.carts: dict[int, Cart] = {}
        self.orders: list[Order] = []
        self.to_tell: list[tuple[Order, Payment, str]] = []  # news and cancels under way

    # The cart

    def put(self, customer: int, sku: str, quantity: int) -> str:
        cart = self.carts.setdefault(customer, Cart())
        if quantity == 0:
            cart.units.pop(sku, None)
        elif quantity > self.shelves[sku].available:
            return "insufficient_stock"
        else:
            cart.units[sku] = quantity
        return OK

    def apply_coupon(self, customer: int) -> str:
        cart = self.carts.setdefault(customer, Cart())
        if self._is_used_up(customer):
            return "coupon_used_up"
        if not cart.units:
            return "coupon_not_applicable"
        cart.has_coupon = True
        return OK

    def remove_coupon(self, customer: int) -> str:
        self.carts.setdefault(customer, Cart()).has_coupon = False
        return OK

    def reprice(self, sku: str, price: int) -> str:
        self.shelves[sku].price = price
        return OK

    # The order

    def place(self, customer: int) -> str:
        ended = self._try_to_place(customer)
        if ended == "insufficient_stock":
            short = self._short(self.carts[customer].units)
            is_freed = self._let_go(lambda order: bool(short & set(order.lines)))
        elif ended == "coupon_used_up":
            is_freed = self._let_go(lambda order: order.holds_coupon)
        else:
            return ended
        return self._try_to_place(customer) if is_freed else ended

    def _try_to_place(self, customer: int) -> str:
        cart = self.carts.get(customer, Cart())
        if not cart.units:
            return "cart_empty"
        if cart.has_coupon and self._is_used_up(customer):
            return "coupon_used_up"
        if self._short(cart.units):
            return "insufficient_stock"
        subtotal = sum(self.shelves[sku].price * units for sku, units in cart.units.items())
        # Half up, in whole pence.
        discount = (subtotal * PERCENT * 2 + 100) // 200 if cart.has_coupon else 0
        lines = {sku: Line(units) for sku, units in cart.units.items()}
        order = Order(customer, lines, subtotal, discount, has_coupon=cart.has_coupon)
        self.orders.append(order)
        self._hold(order)
        del self.carts[customer]
        return OK

    def run_out(self, order: Order) -> None:
        """Let the time that it may hold its goods unpaid be over."""
        order.is_overdue = order.status == "pending"

    def expire(self) -> None:
        self._let_go(lambda order: True)

    def cancel(self, order: Order) -> str:
        if order.status not in {"pending", "paid", "processing"}:
            return "illegal_order_transition"
        if any(line.shipped for line in order.lines.values()):
            return "already_shipped"
        self._end(order, "cancelled")
        return OK

    # Money

    def pay(self, order: Order, card: str) -> str:
        """Pay by the ``good`` or the ``declined`` card, or (``none``) only begin with it."""
        if order.status != "pending":
            return "nothing_due"
        opened = [payment for payment in order.payments if payment.status == "open"]
        payment = opened[0] if opened else Payment(order.total - order.kept)
        if not opened:
            order.payments.append(payment)
        if payment.there == "collected":
            self._collect(order, payment)
        elif card == "good":
            payment.there = "collected"
            self.to_tell.append((order, payment, "news"))
            self._collect(order, payment)
        elif card == "declined":
            return "card_declined"
        return OK

    def confirm_in_browser(self, order: Order) -> str:
        """The customer pays at the provider's, who tells us later."""
        for payment in order.payments:
            if payment.there == "open":
                payment.there = "collected"
                self.to_tell.append((order, payment, "news"))
        return OK

    def pay_by_hand(self, order: Order) -> str:
        if order.status != "pending":
            return "illegal_order_transition"
        due = order.total - order.kept
        self._give_up_open_payments(order)
        order.payments.append(Payment(due, status="succeeded", there="dead"))
        self._settle(order, order.payments[-1])
        return OK

    def refund(self, payment: Payment, amount: int | None) -> str:
        left = payment.captured - payment.refunded
        if left == 0:
            return "nothing_to_refund"
        if amount is not None and amount > left:
            return "refund_exceeds_captured"
        payment.refunded += left if amount is None else amount
        return OK

    def hear(self) -> None:
        """Let all that is under way between us and the provider arrive."""
        while self.to_tell:
            order, payment, what = self.to_tell.pop(0)
            if payment.there == "collected":
                self._collect(order, payment)
            elif what == "cancel":
                payment.there = "dead"

    # Goods

    def process(self, order: Order) -> str:
        if order.status != "paid":
            return "illegal_order_transition"
        order.status = "processing"
        return OK

    def ship(self, order: Order, wanted: dict[str, int] | None) -> str:
        """Pack a parcel of these units (``None``: of all that are left) and send it."""
        if order.status not in {"paid", "processing"} or order.captured <= order.refunded:
            return "not_shippable"
        left = {sku: line.quantity - line.shipped for sku, line in order.lines.items()}
        if wanted is None:
            wanted = {sku: units for sku, units in left.items() if units}
        if any(units > left.get(sku, 0) for sku, units in wanted.items()):
            return "not_left_to_ship"
        for sku, units in wanted.items():
            order.lines[sku].shipped += units
            self.shelves[sku].on_hand -= units
            self.shelves[sku].reserved -= units
        is_complete = all(line.shipped == line.quantity for line in order.lines.values())
        order.status = "shipped" if is_complete else "processing"
        return OK

    def deliver(self, order: Order) -> str:
        if order.status != "shipped":
            return "illegal_order_transition"
        order.status = "delivered"
        return OK

    def ask_back(self, order: Order, units: dict[str, int]) -> str:
        for sku, wanted in units.items():
            line = order.lines[sku]
            if line.shipped - line.returned - line.returning < wanted:
                return "not_left_to_return"
        for sku, wanted in units.items():
            order.lines[sku].returning += wanted
        order.returns.append(Return(dict(units)))
        return OK

    def move_return(self, order: Order, found: Return, status: str, good: int, bad: int) -> str:
        """Move a return on; of each line so many came back, at most as many as were asked."""
        if found.status != RETURN_STEPS[status]:
            return "illegal_return_transition"
        found.status = status
        for sku, asked in found.units.items():
            line = order.lines[sku]
            if status in {"rejected", "closed", "received"}:
                line.returning -= asked
            if status == "received":
                found.good[sku] = min(good, asked)
                line.returned += found.good[sku] + min(bad, asked - found.good[sku])
            if status == "restocked":
                self.shelves[sku].on_hand += found.good[sku]
        return OK

    # What follows from it

    def _is_used_up(self, customer: int) -> bool:
        is_over = self.uses.total() >= self.coupon_limit
        return is_over or self.uses[customer] >= self.per_customer

    def _short(self, units: dict[str, int]) -> set[str]:
        return {sku for sku, wanted in units.items() if wanted > self.shelves[sku].available}

    def _hold(self, order: Order) -> None:
        for sku, line in order.lines.items():
            self.shelves[sku].reserved += line.quantity
        if order.has_coupon:
            order.holds_coupon = True
            self.uses[order.customer] += 1

    def _let_go(self, is_meant: Callable[[Order], bool]) -> bool:
        overdue = [order for order in self.orders if order.is_overdue and is_meant(order)]
        for order in overdue:
            self._end(order, "expired")
        return bool(overdue)

    def _end(self, order: Order, status: str) -> None:
        order.status, order.is_overdue = status, False
        self._give_up_open_payments(order)
        self._give_back(order)
        if order.holds_coupon:
            order.holds_coupon = False
            self.uses[order.customer] -= 1
        for sku, line in order.lines.items():
            self.shelves[sku].reserved -= line.quantity

    def _give_up_open_payments(self, order: Order) -> None:
        for payment in order.payments:
            if payment.status == "open":
                payment.status = "canceled"
                self.to_tell.append((order, payment, "cancel"))

    def _give_back(self, order: Order) -> None:
        for payment in order.payments:
            payment.refunded = payment.captured

    def _collect(self, order: Order, payment: Payment) -> None:
        if payment.captured:
            return
        payment.status = "succeeded"
        self._settle(order, payment)

    def _settle(self, order: Order, payment: Payment) -> None:
        """Count the money; who paid has the goods, or the money back."""
        payment.captured = payment.amount
        if order.status == "pending":
            order.status, order.is_overdue = "paid", False
        elif order.status == "expired":
            self._make_room(order)
            if self._short({sku: line.quantity for sku, line in order.lines.items()}):
                self._give_back(order)
            else:
                order.status = "paid"
                self._hold(order)
        elif order.status == "cancelled":
            self._give_back(order)
        if order.status not in OVER:
            payment.refunded += max(0, order.kept - order.total)

    def _make_room(self, order: Order) -> None:
        short = self._short({sku: line.quantity for sku, line in order.lines.items()})
        self._let_go(lambda other: bool(short & set(other.lines)))
