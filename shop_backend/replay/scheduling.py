"""Hands the orders out so that no two in flight want one SKU at different prices.

The recording's prices change from invoice to invoice, and the shop has one price a SKU. So the
orders are not handed out in the file's order: next is the one that needs the fewest changes.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from shop_backend.replay.planning import PlannedOrder

# So many orders that have to wait are passed over before the workers wait.
MOST_PASSED_OVER = 200


class Schedule:
    """The orders still to be started. Not thread-safe: its caller holds a lock.

    :param prices: the shop's present price of every SKU, in pence.
    """

    def __init__(self, orders: Iterable[PlannedOrder], prices: Mapping[str, int]) -> None:
        self._orders = list(orders)
        self._prices = dict(prices)
        self._in_flight: Counter[str] = Counter()
        self._held: dict[str, int] = {}
        self._customers: set[str] = set()
        self._wanting: dict[str, list[int]] = defaultdict(list)
        self._changes: dict[int, int] = {}
        for place, order in enumerate(self._orders):
            self._changes[place] = len(self.changes_for(order))
            for sku in order.prices:
                self._wanting[sku].append(place)
        self._queue = [(changes, place) for place, changes in self._changes.items()]
        heapq.heapify(self._queue)

    def __len__(self) -> int:
        return len(self._changes)

    def changes_for(self, order: PlannedOrder) -> dict[str, int]:
        """Return the prices that have to change before the order, by SKU."""
        return {sku: price for sku, price in order.prices.items() if self._prices[sku] != price}

    def take(self) -> PlannedOrder | None:
        """Start the order that needs the fewest changes of price.

        :return: nothing, if whatever is left has to wait for what is in flight.
        """
        passed_over: list[tuple[int, int]] = []
        found = None
        while self._queue and len(passed_over) < MOST_PASSED_OVER:
            entry = heapq.heappop(self._queue)
            changes, place = entry
            if self._changes.get(place) != changes:
                continue  # started already, or counted anew
            if self._may_start(self._orders[place]):
                found = self._orders[place]
                del self._changes[place]
                self._in_flight.update(found.prices.keys())
                self._held.update(found.prices)
                self._customers.update(filter(None, [found.customer]))
                break
            passed_over.append(entry)
        for entry in passed_over:
            heapq.heappush(self._queue, entry)
        return found

    def price_changed(self, sku: str, price: int) -> None:
        """Take note that the shop's price is another now."""
        before, self._prices[sku] = self._prices[sku], price
        for place in self._wanting[sku]:
            if place in self._changes:
                wanted = self._orders[place].prices[sku]
                self._changes[place] += (wanted == before) - (wanted == price)
                heapq.heappush(self._queue, (self._changes[place], place))

    def finish(self, order: PlannedOrder) -> None:
        """Let go of the order's prices."""
        self._in_flight.subtract(order.prices.keys())
        for sku in order.prices:
            if not self._in_flight[sku]:
                del self._held[sku]
        self._customers.discard(order.customer)

    def _may_start(self, order: PlannedOrder) -> bool:
        # One order of a customer at a time: they have one cart.
        if order.customer in self._customers:
            return False
        # What is held may be about to change, so the present price alone says nothing.
        held = [sku for sku in order.prices if sku in self._held]
        return all(self._held[sku] == self._prices[sku] == order.prices[sku] for sku in held)
