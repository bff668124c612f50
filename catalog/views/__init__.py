"""The catalogue over HTTP: anyone reads, staff write."""

from catalog.views.attributes import AttributeViewSet
from catalog.views.categories import CategoryViewSet
from catalog.views.images import ImageViewSet
from catalog.views.prices import PriceHistoryViewSet
from catalog.views.products import ProductViewSet
from catalog.views.reviews import ModerationViewSet, ReviewViewSet
from catalog.views.tax_classes import TaxClassViewSet
from catalog.views.variants import VariantViewSet

__all__ = [
    "AttributeViewSet",
    "ImageViewSet",
    "PriceHistoryViewSet",
    "CategoryViewSet",
    "ModerationViewSet",
    "ProductViewSet",
    "ReviewViewSet",
    "TaxClassViewSet",
    "VariantViewSet",
]
