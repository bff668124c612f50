"""The catalogue as plain rows and dicts: what its serializers show, without models or fields.

The serializers stay the published shape; ``tests/test_reading.py`` holds the two together.
"""

from catalog.reading.categories import show_category, show_tree
from catalog.reading.products import Viewer, show_product, show_products
from catalog.reading.statements import (
    READ,
    read_listed,
    read_published,
    read_published_product,
    read_whole,
)
from catalog.reading.stock import (
    Availability,
    LaterStock,
    Template,
    known_to,
    known_to_customers,
)

__all__ = [
    "READ",
    "Availability",
    "LaterStock",
    "Template",
    "Viewer",
    "known_to",
    "known_to_customers",
    "read_listed",
    "read_published",
    "read_published_product",
    "read_whole",
    "show_category",
    "show_product",
    "show_products",
    "show_tree",
]
