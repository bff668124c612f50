"""What the shop shows and sells."""

from catalog.models.attributes import Attribute, ProductAttributeValue
from catalog.models.categories import Category
from catalog.models.changes import CatalogueChange, StockDoubt
from catalog.models.currency import shop_currency
from catalog.models.images import ProductImage
from catalog.models.prices import PriceChange
from catalog.models.products import (
    Option,
    OptionValue,
    Product,
    ProductQuerySet,
    Variant,
    VariantQuerySet,
)
from catalog.models.reviews import Review, ReviewQuerySet
from catalog.models.slugs import RESERVED_SLUGS, validate_slug
from catalog.models.taxes import TaxClass

__all__ = [
    "RESERVED_SLUGS",
    "Attribute",
    "CatalogueChange",
    "Category",
    "Option",
    "OptionValue",
    "PriceChange",
    "Product",
    "ProductAttributeValue",
    "ProductImage",
    "ProductQuerySet",
    "Review",
    "ReviewQuerySet",
    "StockDoubt",
    "TaxClass",
    "Variant",
    "VariantQuerySet",
    "shop_currency",
    "validate_slug",
]
