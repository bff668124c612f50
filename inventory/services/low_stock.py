"""Telling that an item runs low, once each time it comes down to that."""

from inventory.events import StockLow
from inventory.models import StockItem
from shop_backend.kernel import events, transactions


@transactions.requires_transaction
def tell_if_low(*, item: StockItem, before: int, after: int) -> None:
    """Publish ``StockLow`` if these two numbers of available units lie on either side.

    Below the threshold nothing is said again until the item was filled up and came down anew.

    :param after: as the UPDATE itself returned it, so that one of many buyers sees the crossing.
    """
    if item.is_tracked and after <= item.runs_low_at < before:
        events.publish(StockLow(item_id=item.pk, available=after))


@transactions.use_case
def set_low_stock_threshold(*, item_id: int, threshold: int | None) -> None:
    """Set the available units at which the item runs low; ``None``: the shop's own number."""
    StockItem.objects.filter(pk=item_id).update(low_stock_threshold=threshold)
