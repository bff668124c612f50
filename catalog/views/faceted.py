"""How Swagger shows the list of products: a list with facets, where they are asked for."""

from typing import Any

from drf_yasg import openapi
from drf_yasg.inspectors import SwaggerAutoSchema

from catalog.filters import YES_OR_NO
from catalog.serializers import FacetsSerializer
from shop_backend.kernel.inspectors import PaginationInspector

FACETS = openapi.Parameter(
    "facets",
    openapi.IN_QUERY,
    type=openapi.TYPE_STRING,
    enum=[value for value, _ in YES_OR_NO],
    description="1: count what each further choice leaves; with a cursor on the first page alone.",
)


class FacetedListInspector(PaginationInspector):
    """A list of products and, optionally, its facets."""

    def get_paginated_response(self, paginator: Any, response_schema: Any) -> Any:
        schema = super().get_paginated_response(paginator, response_schema)
        schema["x-optional"] = [*schema["x-optional"], "facets", "facets_capped"]
        inspectors = SwaggerAutoSchema.field_inspectors
        schema["properties"]["facets"] = self.probe_inspectors(
            inspectors,
            "get_schema",
            FacetsSerializer(),
            {"field_inspectors": inspectors},
        )
        schema["properties"]["facets_capped"] = openapi.Schema(
            type=openapi.TYPE_BOOLEAN,
            enum=[True],
            description="More than 10,000 products matched; the newest of them were counted.",
        )
        return schema
