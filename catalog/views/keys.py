"""Products and categories are named by their id or their slug."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg import openapi

from catalog import selectors

ID_OR_SLUG = openapi.Parameter(
    "id", openapi.IN_PATH, type=openapi.TYPE_STRING, required=True, description="Id or slug."
)
PRODUCT = openapi.Parameter(
    "product",
    openapi.IN_PATH,
    type=openapi.TYPE_STRING,
    required=True,
    description="The product's id or slug.",
)


def get_by_key(queryset: QuerySet, key: str) -> Any:
    """Return the row with that id or slug, or answer 404."""
    number = selectors.id_of(key)
    if number is None:
        return get_object_or_404(queryset, slug=key)
    return get_object_or_404(queryset, pk=number)
