"""Everything that changes the catalogue: ``from catalog import services as catalog``."""

from catalog.services.attributes import (
    MAX_ATTRIBUTES,
    create_attribute,
    delete_attribute,
    spell,
    update_attribute,
)
from catalog.services.categories import create_category, delete_category, update_category
from catalog.services.images import (
    MAX_IMAGES,
    delete_image,
    link_image,
    update_image,
    upload_image,
)
from catalog.services.importing import Outcome, Result, Stock, import_rows
from catalog.services.products import create_product, delete_product, update_product
from catalog.services.reviews import (
    approve_review,
    delete_review,
    edit_review,
    forget_reviewer,
    rated,
    recount_reviews,
    reject_review,
    write_review,
)
from catalog.services.stock_doubts import recheck_stock, settle_stock_doubts
from catalog.services.tax_classes import (
    create_tax_class,
    delete_tax_class,
    update_tax_class,
)
from catalog.services.variants import (
    MAX_VARIANTS,
    NewVariant,
    add_variant,
    lock_product,
    remove_variant,
    revise_variants,
    update_variant,
)

__all__ = [
    "MAX_ATTRIBUTES",
    "MAX_IMAGES",
    "MAX_VARIANTS",
    "NewVariant",
    "Outcome",
    "Result",
    "Stock",
    "add_variant",
    "approve_review",
    "create_attribute",
    "create_category",
    "create_product",
    "create_tax_class",
    "delete_attribute",
    "delete_category",
    "delete_image",
    "delete_product",
    "delete_review",
    "delete_tax_class",
    "edit_review",
    "forget_reviewer",
    "import_rows",
    "link_image",
    "rated",
    "recheck_stock",
    "recount_reviews",
    "reject_review",
    "remove_variant",
    "lock_product",
    "revise_variants",
    "settle_stock_doubts",
    "spell",
    "update_attribute",
    "update_category",
    "update_image",
    "update_product",
    "update_tax_class",
    "update_variant",
    "upload_image",
    "write_review",
]
