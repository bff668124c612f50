"""Small recordings to plan from."""

from decimal import Decimal

from shop_backend.replay.invoices import Invoice, Line
from shop_backend.replay.planning import Limits, Plan, make_plan

LIMITS = Limits(
    skus=frozenset({"LAMP", "MUG", "BOWL"}),
    no_goods={"POST": "no goods code"},
    max_line_quantity=1_000,
    max_lines=2,
)


def invoice(number: str, *lines: tuple[str, int, str], customer: str = "7") -> Invoice:
    """Return an invoice of lines of (SKU, quantity, price in pounds)."""
    found = [Line(sku, quantity, Decimal(price)) for sku, quantity, price in lines]
    return Invoice(number, customer, "United Kingdom", found)


def planned(*invoices: Invoice) -> Plan:
    return make_plan(invoices, LIMITS)


def reasons(plan: Plan) -> list[str]:
    return [one.reason for one in plan.left_out]
