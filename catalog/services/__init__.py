"""Everything that changes the catalogue: ``from catalog import services as catalog``."""

from catalog.services.categories import create_category, delete_category, update_category
from catalog.services.importing import Outcome, Result, Stock, import_rows
from catalog.services.products import create_product, delete_product, update_product
from catalog.services.variants import (
    MAX_VARIANTS,
    NewVariant,
    add_variant,
    remove_variant,
    revise_variants,
    update_variant,
)

__all__ = [
    "MAX_VARIANTS",
    "NewVariant",
    "Outcome",
    "Result",
    "Stock",
    "add_variant",
    "create_category",
    "create_product",
    "delete_category",
    "delete_product",
    "import_rows",
    "remove_variant",
    "revise_variants",
    "update_category",
    "update_product",
    "update_variant",
]
