from typing import Any

import factory
from factory.django import DjangoModelFactory

from inventory.models import Location, StockItem, StockLevel, StockMovement


class StockItemFactory(DjangoModelFactory):
    class Meta:
        model = StockItem

    sku = factory.Sequence(lambda n: f"SKU-{n}")


class LocationFactory(DjangoModelFactory):
    class Meta:
        model = Location

    code = factory.Sequence(lambda n: f"place-{n}")
    name = factory.Sequence(lambda n: f"Place {n}")


def main_location() -> Location:
    """Return ``main``, also where the flush of a test that commits took it away."""
    return Location.objects.get_or_create(code="main", defaults={"name": "Main warehouse"})[0]


class StockLevelFactory(DjangoModelFactory):
    """A level at ``main`` whose units came in by a receipt: the ledger agrees with it."""

    class Meta:
        model = StockLevel
        skip_postgeneration_save = True

    item = factory.SubFactory(StockItemFactory)
    location = factory.LazyFunction(main_location)

    @factory.post_generation
    def receipt(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create and self.on_hand:
            StockMovement.objects.create(
                level=self, kind=StockMovement.Kind.RECEIPT, on_hand_delta=self.on_hand
            )
