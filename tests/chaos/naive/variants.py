"""What each careless variant does: the guarded statement becomes read, check, write."""

from collections.abc import Callable, Mapping

from inventory.models import StockLevel
from inventory.services import ledger
from inventory.services.ledger import Change, ChangeRefused


def count_stock_in_python() -> None:
    """Read the level, check it here, and write the new counters."""

    def apply(change: Change) -> int:
        level = StockLevel.objects.get(pk=change.level_id)
        on_hand, reserved = level.on_hand + change.on_hand, level.reserved + change.reserved
        if not 0 <= reserved <= on_hand:
            raise ChangeRefused(change)
        StockLevel.objects.filter(pk=level.pk).update(on_hand=on_hand, reserved=reserved)
        return on_hand - reserved

    ledger._apply = apply


VARIANTS: Mapping[str, Callable[[], None]] = {"a1": count_stock_in_python}
# The constraints that stand behind them, as table and column: taken away for that variant.
CONSTRAINTS: Mapping[str, tuple[tuple[str, str], ...]] = {}
