"""The catalogue over HTTP: anyone reads, staff write."""

from catalog.views.categories import CategoryViewSet
from catalog.views.products import ProductViewSet
from catalog.views.variants import VariantViewSet

__all__ = ["CategoryViewSet", "ProductViewSet", "VariantViewSet"]
