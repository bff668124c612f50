"""What the shop must make of a recording."""

from decimal import Decimal
from pathlib import Path

import pytest

from catalog.imports import online_retail
from shop_backend.replay.invoices import amount_of, read_invoices
from shop_backend.replay.planning import make_plan
from shop_backend.replay.preparing import get_limits, read_catalogue
from shop_backend.replay.tests.recordings import invoice, planned, reasons

SAMPLE = Path(online_retail.__file__).parent.parent / "demo" / "online_retail_sample.csv"


def test_an_invoice_becomes_an_order_at_its_own_prices():
    plan = planned(invoice("1", ("LAMP", 2, "2.55"), ("MUG", 1, "1.00"), ("LAMP", 1, "2.55")))

    [order] = plan.orders
    assert dict(order.units) == {"LAMP": 3, "MUG": 1}
    assert order.total_minor == 865
    assert not plan.left_out


def test_a_sku_at_a_second_price_takes_a_second_order():
    plan = planned(invoice("1", ("LAMP", 2, "2.55"), ("LAMP", 1, "2.10"), ("MUG", 1, "1.00")))

    first, second = plan.orders
    assert (first.name, dict(first.prices)) == ("1", {"LAMP": 255, "MUG": 100})
    assert (second.name, dict(second.prices)) == ("1/2", {"LAMP": 210})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (("POST", 1, "18.00"), "not in the catalogue: no goods code"),
        (("VASE", 1, "18.00"), "not in the catalogue: unknown"),
        (("MUG", 1, "0.0"), "free of charge"),
        (("MUG", -1, "0.0"), "written off: no price"),
        (("MUG", 1, "0.001"), "a price with a fraction of a penny"),
        (("MUG", 1001, "1.00"), "more than 1,000 units (MAX_LINE_QUANTITY)"),
        (("MUG", -1, "1.00"), "returned without an earlier purchase in the file"),
    ],
)
def test_what_cannot_be_replayed_is_left_out_with_its_reason(line, reason):
    plan = planned(invoice("1", line))

    assert reasons(plan) == [reason]
    assert not plan.orders
    assert not plan.returns


def test_an_order_of_more_lines_than_the_shop_takes_is_left_out():
    lines = [(sku, 1, "1.00") for sku in ("LAMP", "MUG", "BOWL")]

    plan = planned(invoice("1", *lines))

    assert reasons(plan) == ["more than 2 lines (MAX_CART_LINES)"] * 3


def test_a_credit_note_takes_back_what_the_same_customer_bought_before():
    plan = planned(
        invoice("1", ("MUG", 5, "1.00")),
        invoice("2", ("MUG", 5, "1.20")),
        invoice("3", ("MUG", 5, "1.00"), customer="8"),
        invoice("C4", ("MUG", -7, "1.00")),
    )

    same_price, other_price = plan.returns
    assert (same_price.order, dict(same_price.units), same_price.refund_minor) == (
        "1",
        {"MUG": 5},
        500,
    )
    assert (other_price.order, dict(other_price.units), other_price.refund_minor) == (
        "2",
        {"MUG": 2},
        200,
    )
    assert not plan.left_out


def test_units_are_not_taken_back_twice():
    plan = planned(
        invoice("1", ("MUG", 5, "1.00")),
        invoice("C2", ("MUG", -4, "1.00")),
        invoice("C3", ("MUG", -4, "1.00")),
    )

    assert [dict(wanted.units) for wanted in plan.returns] == [{"MUG": 4}, {"MUG": 1}]
    [rest] = plan.left_out
    assert (rest.invoice, rest.units, rest.amount) == ("C3", -3, Decimal("-3.00"))


def test_no_more_money_goes_back_than_the_purchase_brought():
    plan = planned(invoice("1", ("MUG", 5, "1.00")), invoice("C2", ("MUG", -5, "2.00")))

    [wanted] = plan.returns
    assert (dict(wanted.units), wanted.refund_minor) == ({"MUG": 2}, 400)
    assert reasons(plan) == ["credited with more than was paid for the purchase"]


def test_nobody_known_can_send_nothing_back():
    bought = invoice("1", ("MUG", 5, "1.00"), customer="")

    plan = planned(bought, invoice("C2", ("MUG", -5, "1.00"), customer=""))

    assert reasons(plan) == ["returned without a customer: no purchase can be told"]


def test_a_later_purchase_does_not_pay_for_an_earlier_return():
    plan = planned(invoice("C1", ("MUG", -5, "1.00")), invoice("2", ("MUG", 5, "1.00")))

    assert not plan.returns


def test_every_penny_and_unit_of_the_sample_is_planned_or_left_out():
    with SAMPLE.open("rb") as raw:
        invoices = read_invoices(raw)

    plan = make_plan(invoices, get_limits(read_catalogue(SAMPLE)))

    sold = sum(order.total_minor for order in plan.orders)
    refunded = sum(wanted.refund_minor for wanted in plan.returns)
    left_out = sum(one.amount for one in plan.left_out)
    assert (sold - refunded) / Decimal(100) + left_out == amount_of(invoices)
    back = sum(sum(wanted.units.values()) for wanted in plan.returns)
    units = plan.demand.total() - back + sum(one.units for one in plan.left_out)
    assert units == sum(line.quantity for one in invoices for line in one.lines)
