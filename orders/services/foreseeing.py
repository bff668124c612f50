"""What is sold out, said before anybody waits for it: no lock, no price, one plain read."""

from collections.abc import Iterator, Sequence

from django.utils import timezone

from accounts.models import User
from cart.goods import find_offers, is_named
from cart.reading import read_tracked_in_cart
from inventory.errors import InsufficientStock
from orders.services.ending import is_held_by_overdue_orders
from orders.services.placing import Item


def refuse_what_is_sold_out(*, customer: User, items: Sequence[Item] | None) -> None:
    """Refuse, as placing would, an order for more than can be sold; nothing is locked.

    Only a hint to spare the rest: placing itself takes the stock, and refuses what this lets by.
    It lets by what overdue orders hold, because placing lets go of that, and whatever is not
    for sale or is named by its product, because placing knows better what to say of it.

    :raises InsufficientStock: fewer units are available than asked for.
    """
    units: dict[int, int] = {}
    known: dict[int, tuple[str, int]] = {}
    for item_id, sku, quantity, sellable in _wanted(customer, items):
        units[item_id] = units.get(item_id, 0) + quantity
        known[item_id] = (sku, sellable)
    short = {pk: sellable for pk, (_, sellable) in known.items() if sellable < units[pk]}
    if not short or is_held_by_overdue_orders(item_ids=short):
        return
    first = min(short)
    raise InsufficientStock(
        item_ids=short, sku=known[first][0], requested=units[first], available=short[first]
    )


def _wanted(customer: User, items: Sequence[Item] | None) -> Iterator[tuple[int, str, int, int]]:
    """Yield stock item, SKU, units wanted and units to be had of what has a limit."""
    if items is None:
        yield from read_tracked_in_cart(user_id=customer.pk, now=timezone.now())
        return
    named = [item for item in items if item.reference.product_id is None]
    offers = find_offers([item.reference for item in named], now=timezone.now())
    for item in named:
        for offer in offers:
            goods, sellable = offer.goods, offer.sellable
            if sellable is not None and is_named(goods, item.reference):
                yield goods.stock_item_id, goods.sku, item.quantity, sellable
