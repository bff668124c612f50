"""The shapes of the catalogue."""

from catalog.serializers.categories import (
    CategoryBranchSerializer,
    CategoryRequestSerializer,
    CategorySerializer,
)
from catalog.serializers.products import (
    ProductChangeSerializer,
    ProductRequestSerializer,
    ProductSerializer,
    ProductSummarySerializer,
)
from catalog.serializers.variants import VariantRequestSerializer, VariantSerializer

__all__ = [
    "CategoryBranchSerializer",
    "CategoryRequestSerializer",
    "CategorySerializer",
    "ProductChangeSerializer",
    "ProductRequestSerializer",
    "ProductSerializer",
    "ProductSummarySerializer",
    "VariantRequestSerializer",
    "VariantSerializer",
]
