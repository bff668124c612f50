"""The catalogue in the admin site."""

from catalog.admin.attributes import AttributeAdmin, PriceChangeAdmin
from catalog.admin.categories import CategoryAdmin
from catalog.admin.images import ProductImageAdmin
from catalog.admin.products import OptionAdmin, OptionValueAdmin, ProductAdmin, VariantAdmin
from catalog.admin.reviews import ReviewAdmin
from catalog.admin.tax_classes import TaxClassAdmin

__all__ = [
    "AttributeAdmin",
    "PriceChangeAdmin",
    "CategoryAdmin",
    "OptionAdmin",
    "OptionValueAdmin",
    "ProductAdmin",
    "ProductImageAdmin",
    "ReviewAdmin",
    "TaxClassAdmin",
    "VariantAdmin",
]
