"""How much tax falls on what, where it goes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from cart.models.taxes import WHOLE_PPM
from shop_backend.kernel.money import Money


@dataclass(frozen=True)
class AppliedRate:
    """A rate as it stands on a line: its name, and parts per million."""

    name: str
    rate_ppm: int


NO_TAX = AppliedRate(name="", rate_ppm=0)


@dataclass(frozen=True)
class Rates:
    """The rates of one place."""

    by_class: Mapping[int, AppliedRate] = field(default_factory=dict)
    default: AppliedRate = NO_TAX
    shipping: AppliedRate = NO_TAX

    def of(self, tax_class_id: int | None) -> AppliedRate:
        """Return the rate of a tax class; goods without one are of the default class."""
        if tax_class_id is None:
            return self.default
        return self.by_class.get(tax_class_id, NO_TAX)


def get_place(
    *, destination: Mapping[str, Any] | None, needs_shipping: bool
) -> Mapping[str, Any] | None:
    """Return the place whose rates hold; ``None`` while there is no saying.

    Without a destination it is the shop's own country where the price contains tax anyway, or
    where nothing will ever be sent.
    """
    if destination is not None:
        return destination
    if settings.PRICES_INCLUDE_TAX or not needs_shipping:
        return {"country": settings.SHOP_COUNTRY, "region": ""}
    return None


def get_taxes(
    amounts: Sequence[tuple[Money, AppliedRate]], *, is_included: bool
) -> tuple[Money, ...]:
    """Return the tax on each amount, or in each, in the order given.

    The amounts of one rate are summed, taxed and rounded half up once; that tax is shared out
    by largest remainder, so that the shares add up to what the law asks of the sum.
    """
    groups: dict[AppliedRate, list[int]] = defaultdict(list)
    for index, (_, rate) in enumerate(amounts):
        groups[rate].append(index)
    taxes = [Money.zero(amount.currency) for amount, _ in amounts]
    for rate, indexes in groups.items():
        weights = [amounts[index][0].minor for index in indexes]
        tax = Money(
            _tax_of(sum(weights), rate, is_included=is_included), amounts[indexes[0]][0].currency
        )
        for index, share in zip(indexes, tax.split(weights), strict=True):
            taxes[index] = share
    return tuple(taxes)


def _tax_of(minor: int, rate: AppliedRate, *, is_included: bool) -> int:
    whole = WHOLE_PPM + rate.rate_ppm if is_included else WHOLE_PPM
    return (2 * minor * rate.rate_ppm + whole) // (2 * whole)
