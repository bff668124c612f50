"""The mail that tells the staff what runs low."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from inventory.events import StockLow
from inventory.models import StockItem
from shop_backend.kernel import letters, outbox
from shop_backend.kernel.transactions import forbids_transaction

KIND = "inventory.send_low_stock_mail"


def on_stock_low(event: StockLow) -> None:
    """Have the staff told once this transaction is committed, if the shop says whom."""
    if settings.SHOP_NOTIFY_EMAIL:
        outbox.put(KIND, {"item_id": event.item_id})


@forbids_transaction
def deliver(payload: Mapping[str, Any]) -> None:
    """Write and send the mail, with what there is by now; nothing if it was filled up since."""
    items: Any = StockItem.objects.with_totals().with_low_stock_at().with_levels()
    item = items.filter(pk=payload["item_id"], is_tracked=True).first()
    if item is None or item.sellable > item.low_at or not settings.SHOP_NOTIFY_EMAIL:
        return
    letters.send(
        to=settings.SHOP_NOTIFY_EMAIL,
        subject=f"{item.sku} is running low at {settings.SHOP_NAME}",
        template="inventory/mails/low_stock",
        context={
            "sku": item.sku,
            "available": item.sellable,
            "levels": item.levels.all(),
        },
    )
