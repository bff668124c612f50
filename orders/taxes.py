"""The tax of an order by rate, as mails and the admin show it."""

from collections import defaultdict
from dataclasses import dataclass

from cart.percent import format_percent
from orders.models import Order, OrderLine
from shop_backend.kernel.money import Money


@dataclass(frozen=True)
class TaxLine:
    """What one rate takes."""

    name: str
    rate_ppm: int
    amount: Money

    @property
    def label(self) -> str:
        """The rate's name, and its percentage unless the name says it: ``VAT 20 %``."""
        percent = format_percent(self.rate_ppm, decimals=4)
        return self.name if percent in self.name else f"{self.name} {percent} %".strip()

    def __str__(self) -> str:
        return f"{self.label}: {self.amount}"


def get_tax_of(line: OrderLine) -> TaxLine:
    """Return the tax on one line of an order."""
    return TaxLine(line.tax_name, line.tax_rate_ppm, Money(line.tax_minor, line.order.currency))


def get_tax_lines(order: Order) -> list[TaxLine]:
    """Return the order's tax, shipping included, by rate, the highest first; none of nothing."""
    minor: dict[tuple[int, str], int] = defaultdict(int)
    for line in order.lines.all():
        minor[line.tax_rate_ppm, line.tax_name] += line.tax_minor
    minor[order.shipping_tax_rate_ppm, order.shipping_tax_name] += order.shipping_tax_minor
    return [
        TaxLine(name, rate_ppm, Money(amount, order.currency))
        for (rate_ppm, name), amount in sorted(minor.items(), reverse=True)
        if amount
    ]
