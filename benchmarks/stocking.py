"""``python -m benchmarks.stocking VARIANT [UNITS]``: set a variant's stock; print what is free."""

import sys

import django

django.setup()

from catalog.models import Variant
from inventory import selectors
from inventory import services as inventory


def main(variant: str, units: str = "") -> None:
    """Set the units that can be bought, if told how many, and print how many there are."""
    item_id = Variant.objects.get(pk=int(variant)).stock_item_id
    if units:
        inventory.set_available(
            item_id=item_id, available=int(units), reason="benchmark", actor_id=None
        )
    print(selectors.get_availability([item_id])[item_id])


if __name__ == "__main__":
    main(*sys.argv[1:])
