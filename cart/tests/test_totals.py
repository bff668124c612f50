"""Whatever the rates, discounts, quantities and currencies: the sums agree to the last unit."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart import discounts, taxes
from cart.models import Coupon
from cart.percent import format_percent, parse_percent
from cart.taxes import AppliedRate
from shop_backend.kernel import money
from shop_backend.kernel.money import MAX_MINOR, Money

CURRENCIES = st.sampled_from(["GBP", "JPY", "KWD"])
RATES = st.builds(
    AppliedRate, name=st.sampled_from(["", "A", "B"]), rate_ppm=st.integers(0, 1_000_000)
)
AMOUNTS = st.integers(0, MAX_MINOR)


@given(CURRENCIES, st.lists(st.tuples(AMOUNTS, RATES), min_size=1, max_size=20), st.booleans())
def test_the_taxes_of_one_rate_add_up_to_the_rounded_tax_of_their_sum(
    currency, wanted, is_included
):
    amounts = [(Money(minor, currency), rate) for minor, rate in wanted]

    shares = taxes.get_taxes(amounts, is_included=is_included)

    for rate in {rate for _, rate in amounts}:
        base = sum(amount.minor for amount, own in amounts if own == rate)
        tax = sum(s.minor for s, (_, own) in zip(shares, amounts, strict=True) if own == rate)
        whole = 1_000_000 + (rate.rate_ppm if is_included else 0)
        # Half up: at most half a unit off, and exactly half only upwards.
        assert -whole <= 2 * (base * rate.rate_ppm - tax * whole) < whole
    for share, (amount, rate) in zip(shares, amounts, strict=True):
        assert share.minor >= 0
        exact = amount.minor * rate.rate_ppm
        whole = 1_000_000 + (rate.rate_ppm if is_included else 0)
        assert abs(share.minor * whole - exact) < 2 * whole
        if is_included:
            assert share <= amount


@pytest.mark.parametrize(
    ("minors", "ppm", "is_included", "expected"),
    [
        ([100, 100, 100], 175_000, False, [18, 18, 17]),  # 52.5 becomes 53
        ([1, 1, 1], 200_000, False, [1, 0, 0]),  # 0.6 becomes 1
        ([1000], 88_750, False, [89]),  # 88.75
        ([999], 200_000, True, [167]),  # 166.5 becomes 167
        ([0, 0], 200_000, True, [0, 0]),
        ([10**15], 1_000_000, True, [5 * 10**14]),
    ],
)
def test_tax_is_rounded_half_up_once_and_shared_out(minors, ppm, is_included, expected):
    rate = AppliedRate("VAT", ppm)

    shares = taxes.get_taxes([(Money(m, "GBP"), rate) for m in minors], is_included=is_included)

    assert [share.minor for share in shares] == expected


@given(
    CURRENCIES,
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10_000)), min_size=1, max_size=20),
    st.one_of(
        st.tuples(st.just("percent"), st.integers(1, 10_000)),
        st.tuples(st.just("fixed"), st.integers(1, MAX_MINOR)),
        st.tuples(st.just("free_shipping"), st.none()),
    ),
    st.lists(RATES, min_size=20, max_size=20),
    st.integers(0, 10**6),
    st.booleans(),
    st.data(),
)
def test_lines_and_totals_agree(currency, wanted, worth, rates, shipping, is_included, data):
    lines = [Money(price * quantity, currency) for price, quantity in wanted]
    is_covered = data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    kind, value = worth
    coupon = SimpleNamespace(
        kind=kind, percent_basis_points=value, amount_minor=value, code="X", currency=currency
    )
    weights = [m.minor if c else 0 for m, c in zip(lines, is_covered, strict=True)]

    shares = discounts.share_out(coupon, weights, currency)
    nets = [line - share for line, share in zip(lines, shares, strict=True)]
    amounts = [*zip(nets, rates, strict=False), (Money(shipping, currency), rates[0])]
    tax = taxes.get_taxes(amounts, is_included=is_included)

    for line, share, covered in zip(lines, shares, is_covered, strict=True):
        assert 0 <= share.minor <= (line.minor if covered else 0)
    subtotal, discount = money.total(lines, currency), money.total(shares, currency)
    total = subtotal - discount + Money(shipping, currency)
    assert total == money.total((amount for amount, _ in amounts), currency)
    assert total.minor >= 0
    if is_included:
        assert money.total(tax, currency) <= total
    if kind == Coupon.Kind.PERCENT:
        assert abs(discount.minor * 10_000 - sum(weights) * value) <= 5_000


@given(st.integers(0, 1_000_000))
def test_a_percentage_reads_back_as_what_was_written(units):
    assert parse_percent(format_percent(units, decimals=4), decimals=4) == units


@pytest.mark.parametrize("text", ["", " ", ".5", "1,5", "+1", "-1", "1e2", "١٢", "1234", "1.23456"])
def test_what_is_no_percentage_is_refused(text):
    assert parse_percent(text, decimals=4) is None
