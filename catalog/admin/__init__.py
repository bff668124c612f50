"""The catalogue in the admin site."""

from catalog.admin.categories import CategoryAdmin
from catalog.admin.products import OptionAdmin, OptionValueAdmin, ProductAdmin, VariantAdmin

__all__ = ["CategoryAdmin", "OptionAdmin", "OptionValueAdmin", "ProductAdmin", "VariantAdmin"]
