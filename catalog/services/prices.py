"""The history of prices: written with each price, never changed."""

from collections.abc import Iterable
from typing import Any

from catalog import errors
from catalog.models import PriceChange, Variant


def record_prices(variants: Iterable[Variant], *, actor_id: int | None) -> None:
    """Write down what the variants cost from now on, in the transaction that sets it."""
    PriceChange.objects.bulk_create(
        PriceChange(
            variant=variant,
            price_minor=variant.price_minor,
            compare_at_minor=variant.compare_at_minor,
            currency=variant.currency,
            actor_id=actor_id,
        )
        for variant in variants
    )


def check_compare_at(variant: Variant, told: Iterable[str]) -> list[str]:
    """Keep the compare-at price above the price; return the columns changed for it.

    A new price that reaches a compare-at price set earlier ends it.

    :param told: the columns that the caller sets.
    :raises CompareAtTooLow: the caller asks for a compare-at price that is none.
    """
    wanted: Any = variant.compare_at_minor
    if wanted is None or wanted > variant.price_minor:
        return []
    if "compare_at_minor" in told:
        raise errors.CompareAtTooLow
    variant.compare_at_minor = None
    return ["compare_at_minor"]
