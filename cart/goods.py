"""What of a variant matters to a basket: plain values, because a cart is read at every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog import selectors as catalog
from catalog.models import Variant
from shop_backend.kernel.money import Money


@dataclass(slots=True)
class Goods:
    """One variant as a basket prices it and an order remembers it."""

    variant_id: int
    product_id: int
    category_id: int | None
    tax_class_id: int | None
    stock_item_id: int
    sku: str
    name: str
    slug: str
    price_minor: int
    currency: str
    weight_grams: int
    is_tracked: bool
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, variant: Variant) -> "Goods":
        """Return a variant's; its product, stock item and options have been fetched."""
        product, item = variant.product, variant.stock_item
        return cls(
            variant_id=variant.pk,
            product_id=product.pk,
            category_id=product.category_id,
            tax_class_id=product.tax_class_id,
            stock_item_id=item.pk,
            sku=variant.sku,
            name=product.name,
            slug=product.slug,
            price_minor=variant.price_minor,
            currency=variant.currency,
            weight_grams=variant.weight_grams,
            is_tracked=item.is_tracked,
            options=catalog.describe_options(variant),
        )

    @property
    def price(self) -> Money:
        """What one unit costs."""
        return Money(self.price_minor, self.currency)
