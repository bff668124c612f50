from typing import Any

import factory
from factory.django import DjangoModelFactory

from catalog.models import Category, Product, Variant
from catalog.services.prices import record_prices
from inventory.tests.factories import StockItemFactory, StockLevelFactory


class CategoryFactory(DjangoModelFactory):
    class Meta:
        model = Category

    name = factory.Sequence(lambda n: f"Category {n}")
    slug = factory.Sequence(lambda n: f"category-{n}")


class ProductFactory(DjangoModelFactory):
    """A product without variants; ``VariantFactory`` makes one that can be bought."""

    class Meta:
        model = Product

    name = factory.Sequence(lambda n: f"Product {n}")
    slug = factory.Sequence(lambda n: f"product-{n}")


class VariantFactory(DjangoModelFactory):
    """A variant on the shelf: ``VariantFactory(stock=3, price_minor=1999)``.

    Its stock lies at ``main`` and came in by a receipt, so the ledger agrees with it.
    ``stock=None`` makes no level.
    """

    class Meta:
        model = Variant

    product = factory.SubFactory(ProductFactory)
    sku = factory.Sequence(lambda n: f"VARIANT-{n}")
    price_minor = 1000
    stock_item = factory.SubFactory(StockItemFactory, sku=factory.SelfAttribute("..sku"))
    stock = 10

    @classmethod
    def _create(cls, model_class: Any, *args: Any, stock: int | None, **kwargs: Any) -> Variant:
        variant = super()._create(model_class, *args, **kwargs)
        record_prices([variant], actor_id=None)
        if stock is not None:
            StockLevelFactory(item=variant.stock_item, on_hand=stock)
        product = variant.product
        if variant.is_active:
            prices = product.variants.filter(is_active=True).values_list("price_minor", flat=True)
            product.from_price_minor = min(prices)
            product.save(update_fields=["from_price_minor"])
        return variant
