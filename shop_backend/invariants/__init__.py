"""What must never be false: each sentence with one query that must return no row.

``manage.py check_invariants`` runs them; they only read, so a live shop may run them too.
"""

from shop_backend.invariants import catalogue, money, news, orders, people, repairs, stock
from shop_backend.invariants.base import SHOWN, Finding, Invariant

ALL: tuple[Invariant, ...] = (
    Invariant(
        "I1",
        "0 <= reserved <= on hand, at every level",
        stock.levels_out_of_bounds,
        repairs.stock_level,
    ),
    Invariant(
        "I2",
        "a level is the sum of its ledger",
        stock.levels_beside_their_ledger,
        repairs.stock_level,
    ),
    Invariant(
        "I3",
        "reserved is what is held",
        stock.levels_beside_their_reservations,
        repairs.stock_level,
    ),
    Invariant("I4", "an order's units are held or sold for it", stock.lines_without_their_units),
    Invariant("I4", "no more is restocked than came back", stock.lines_with_too_much_taken_back),
    Invariant("I4", "nothing is held for no order", stock.holds_of_no_order),
    Invariant("I5", "an order's total adds up", orders.orders_that_do_not_add_up),
    Invariant("I6", "an order is the sum of its lines", orders.orders_beside_their_lines),
    # Before I7: an order's balance is taken from its payments.
    Invariant("I8", "refunds stay within the capture", money.payments_beside_their_refunds),
    Invariant(
        "I8",
        "a payment counts its ledger",
        money.payments_beside_their_ledger,
        repairs.payment_counters,
    ),
    Invariant("I8", "so do its refunds", money.refunds_beside_their_ledger),
    Invariant("I7", "nothing is kept beyond the total", money.orders_with_money_over),
    Invariant(
        "I7",
        "an order counts its payments' money",
        money.orders_beside_their_payments,
        repairs.order_money,
    ),
    Invariant("I9", "a paid order has its total", money.orders_paid_without_money),
    Invariant(
        "I10", "captured money has an order or goes back", money.payments_of_no_standing_order
    ),
    Invariant(
        "I11", "a coupon counts its uses, within limits", money.coupons_miscounted, repairs.coupon
    ),
    Invariant(
        "I11", "and so it does per customer", money.tallies_miscounted, repairs.coupon_of_tally
    ),
    Invariant(
        "I11",
        "every customer with a use is counted",
        money.uses_without_a_tally,
        repairs.coupon_of_use,
    ),
    Invariant("I11", "a use lasts as long as its order", money.uses_beside_their_orders),
    Invariant(
        "I12", "one order a cart, one open cart a user", orders.carts_bought_twice_or_open_twice
    ),
    Invariant("I13", "a movement of money adds up to zero", money.movements_that_do_not_add_up),
    Invariant("I13", "in its payment's currency", money.entries_in_another_currency),
    Invariant("I14", "an order's history ends at its status", orders.orders_beside_their_history),
    Invariant("I14", "its steps are those of the state table", orders.events_that_no_rule_allows),
    Invariant("I14", "it tells of captured money", money.orders_that_tell_of_no_capture),
    Invariant(
        "I14", "a parcel's history ends at its status", orders.shipments_beside_their_history
    ),
    Invariant("I14", "an order's steps are recorded events", news.orders_without_their_news),
    Invariant("I14", "a payment's are, too", news.payments_without_their_news),
    Invariant("I14", "and a parcel's", news.shipments_without_their_news),
    Invariant("I15", "no hold outlives its expiry by 5 minutes", stock.holds_past_their_expiry),
    Invariant("I16", "no two accounts share a name or email", people.accounts_of_one_name),
    # Beside the sixteen: what lists sort and choose by.
    Invariant(
        "R1",
        "a product's rating and count are its approved reviews'",
        catalogue.products_beside_their_reviews,
        repairs.product_rating,
    ),
    Invariant(
        "R2",
        "a product's lists know whether it can be bought",
        catalogue.products_beside_their_stock,
        repairs.product_stock,
    ),
)
CODES: tuple[str, ...] = tuple(dict.fromkeys(invariant.code for invariant in ALL))
# Seconds for each query where somebody waits for the answer, in a process that serves others.
SECONDS_ONLINE = 15.0


class UnknownCode(Exception):
    """There is no invariant of that code."""


def choose(only: str) -> list[Invariant]:
    """Return the invariants of these codes ("I2,I5"), all of them if none is named.

    :raises UnknownCode: with a sentence that names those there are.
    """
    codes = {code.strip().upper() for code in only.split(",") if code.strip()}
    unknown = codes - set(CODES)
    if unknown:
        named = ", ".join(sorted(unknown))[:100]
        raise UnknownCode(f"Unknown: {named}. There are {', '.join(CODES)}.")
    return [each for each in ALL if not codes or each.code in codes]


__all__ = [
    "ALL",
    "CODES",
    "SECONDS_ONLINE",
    "SHOWN",
    "Finding",
    "Invariant",
    "UnknownCode",
    "choose",
]
