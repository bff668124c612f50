"""The shapes of the catalogue."""

from catalog.serializers.attributes import (
    AttributeRequestSerializer,
    AttributeSerializer,
    PriceChangeSerializer,
)
from catalog.serializers.categories import (
    CategoryBranchSerializer,
    CategoryRequestSerializer,
    CategorySerializer,
)
from catalog.serializers.facets import FacetsSerializer
from catalog.serializers.images import (
    ImageChangeSerializer,
    ImageRequestSerializer,
    ImageSerializer,
)
from catalog.serializers.products import (
    ProductChangeSerializer,
    ProductRequestSerializer,
    ProductSerializer,
    ProductSummarySerializer,
)
from catalog.serializers.reviews import (
    ApprovalSerializer,
    RejectionSerializer,
    ReviewRequestSerializer,
    ReviewSerializer,
)
from catalog.serializers.tax_classes import TaxClassRequestSerializer, TaxClassSerializer
from catalog.serializers.variants import VariantRequestSerializer, VariantSerializer

__all__ = [
    "AttributeRequestSerializer",
    "AttributeSerializer",
    "FacetsSerializer",
    "ImageChangeSerializer",
    "ImageRequestSerializer",
    "ImageSerializer",
    "PriceChangeSerializer",
    "CategoryBranchSerializer",
    "CategoryRequestSerializer",
    "CategorySerializer",
    "ProductChangeSerializer",
    "ProductRequestSerializer",
    "ProductSerializer",
    "ProductSummarySerializer",
    "ApprovalSerializer",
    "RejectionSerializer",
    "ReviewRequestSerializer",
    "ReviewSerializer",
    "TaxClassRequestSerializer",
    "TaxClassSerializer",
    "VariantRequestSerializer",
    "VariantSerializer",
]
