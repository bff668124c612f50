"""What is sold out, said before anybody waits for it: no lock, no price, one plain read."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from accounts.models import User
from cart.models import CartLine
from catalog.models import Variant
from catalog.selectors import VariantReference
from inventory.errors import InsufficientStock
from inventory.models import sellable_units
from orders.services.ending import is_held_by_overdue_orders
from orders.services.placing import Item


def refuse_what_is_sold_out(*, customer: User, items: Sequence[Item] | None) -> None:
    """Refuse, as placing would, an order for more than can be sold; nothing is locked.

    Only a hint to spare the rest: placing itself takes the stock, and refuses what this lets by.
    It lets by what overdue orders hold, because placing lets go of that, and whatever is not
    for sale or is named by its product, because placing knows better what to say of it.

    :raises InsufficientStock: fewer units are available than asked for.
    """
    wanted = _from_cart(customer) if items is None else _from_items(items)
    units: dict[int, int] = {}
    rows: dict[int, dict[str, Any]] = {}
    for row in wanted:
        units[row["item_id"]] = units.get(row["item_id"], 0) + row["quantity"]
        rows[row["item_id"]] = row
    short = {pk: rows[pk]["sellable"] for pk in rows if rows[pk]["sellable"] < units[pk]}
    if not short or is_held_by_overdue_orders(item_ids=short):
        return
    first = min(short)
    raise InsufficientStock(
        item_ids=short, sku=rows[first]["sku"], requested=units[first], available=short[first]
    )


def _from_cart(customer: User) -> list[dict[str, Any]]:
    for_sale = Variant.objects.for_sale().filter(pk=OuterRef("variant_id"))
    lines = CartLine.objects.filter(Exists(for_sale), cart__open_for=customer.pk)
    tracked: Any = lines.filter(variant__stock_item__is_tracked=True).with_sellable()
    return list(
        tracked.values(
            "quantity", "sellable", item_id=F("variant__stock_item_id"), sku=F("variant__sku")
        )
    )


def _from_items(items: Sequence[Item]) -> Iterator[dict[str, Any]]:
    named = Q(pk__in=[item.reference.variant_id for item in items if item.reference.variant_id])
    named |= Q(sku__in=[item.reference.sku for item in items if item.reference.sku])
    found = list(
        Variant.objects.for_sale()
        .filter(named, stock_item__is_tracked=True)
        .values("pk", "sku", item_id=F("stock_item_id"))
        .annotate(sellable=sellable_units(item_id=OuterRef("stock_item_id")))
    )
    for item in items:
        for row in found:
            if item.reference in (
                VariantReference(variant_id=row["pk"]),
                VariantReference(sku=row["sku"]),
            ):
                yield row | {"quantity": item.quantity}
