"""Three of ten answers never arrive; the customers ask again with their keys."""

import time

from orders.models import Order
from payments.models import Payment, SandboxIntent
from tests.chaos.attack import Drill, Round, expect, expect_true
from tests.chaos.customers import Crowd, Purchase
from tests.chaos.proxies import losing_answers

SHARE = 0.3
CUSTOMERS = 16
AT_ONCE = 10 * CUSTOMERS  # then the clock is looked at


class LostAnswers(Drill):
    name = "Lost answers"
    sentence = "purchases over a line that loses 30 % of the answers: each once, each paid once"
    unit = "purchases"
    weight = 5

    def run(self) -> Round:
        variant = self.shop.variant(stock=self.size)
        buyers = self.shop.buyers(CUSTOMERS)
        purchases: list[Purchase] = []
        with losing_answers(self.address, share=SHARE) as proxy:
            crowd = Crowd(proxy.address, CUSTOMERS)
            while len(purchases) < self.size and time.time() < self.until:
                count = min(AT_ONCE, self.size - len(purchases))
                purchases += [Purchase(buyers[n % CUSTOMERS], variant) for n in range(count)]
                crowd.finish(purchases[-count:], seconds=300)
        self.done = len(purchases)
        made = Round(crowd.answers)
        made.violations += judge_purchases(purchases)
        made.violations += expect_true("some answers were lost", proxy.lost)
        return made


def judge_purchases(purchases: list[Purchase]) -> list[str]:
    """Compare what the customers were told with the books, ours and the provider's."""
    numbers = [purchase.number for purchase in purchases if purchase.number]
    keys = [purchase.key for purchase in purchases]
    orders = list(Order.objects.filter(note__in=keys))
    captures = Payment.objects.filter(reference__in=[order.number for order in orders])
    taken = [payment for payment in captures if payment.captured_minor]
    there = SandboxIntent.objects.filter(
        intent_id__in=[payment.provider_reference for payment in captures], captured_minor__gt=0
    )
    total = sum(order.total_minor for order in orders)
    return [
        *expect("purchases paid", sum(p.is_paid for p in purchases), len(purchases)),
        *expect("orders", len(orders), len(purchases)),
        *expect(
            "orders that were told of",
            len({o.number for o in orders} & set(numbers)),
            len(purchases),
        ),
        *expect("captures", len(taken), len(purchases)),
        *expect("captures there", there.count(), len(purchases)),
        *expect("captured", sum(p.captured_minor for p in taken), total),
    ]
