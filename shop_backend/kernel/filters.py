"""Narrowing and ordering lists, refusing what is not understood."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from shop_backend.kernel.errors import UnknownOrdering


class OrderingFilter(BaseFilterBackend):
    """``?ordering=price`` or ``-price``, over the names in the view's ``orderings``.

    ``orderings = {"price": "from_price_minor"}``; ``default_ordering = ("-pk",)``. The primary
    key is always the last word, so that pages never overlap.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        columns = self._columns(request, view)
        if not any(column.lstrip("-") in {"pk", "id"} for column in columns):
            columns.append("-pk" if columns and columns[0].startswith("-") else "pk")
        return queryset.order_by(*columns)

    def _columns(self, request: Request, view: Any) -> list[str]:
        orderings = getattr(view, "orderings", {})
        asked = request.query_params.get("ordering")
        if not asked:
            return list(getattr(view, "default_ordering", ("-pk",)))
        columns = []
        for name in asked.split(","):
            column = orderings.get(name.lstrip("-"))
            is_repeated = column in columns or f"-{column}" in columns
            if column is None or is_repeated or name.startswith("--"):
                raise UnknownOrdering(ordering=name[:50], choices=", ".join(sorted(orderings)))
            columns.append(f"-{column}" if name.startswith("-") else column)
        return columns

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        orderings = getattr(view, "orderings", {})
        if not orderings:
            return []
        choices = [sign + name for name in sorted(orderings) for sign in ("", "-")]
        return [
            {
                "name": "ordering",
                "required": False,
                "in": "query",
                "description": "One or more of the names, comma-separated; - turns one around.",
                "schema": {"type": "string", "enum": choices},
            }
        ]


class MomentFilter(django_filters.IsoDateTimeFilter):
    """An ISO 8601 moment; beyond these years one with an offset has no equal in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        validators = [
            MinValueValidator(datetime(1970, 1, 1, tzinfo=UTC)),
            MaxValueValidator(datetime(9000, 1, 1, tzinfo=UTC)),
        ]
        super().__init__(validators=validators, **kwargs)


def parameters_of(view: Any) -> set[str]:
    """Return the query parameters that the list action of this view understands."""
    known: set[str] = set()
    if getattr(view, "orderings", None):
        known.add("ordering")
    filterset = getattr(view, "filterset_class", None)
    if filterset is not None:
        known |= set(filterset.base_filters)
    paginator = getattr(view, "paginator", None)
    if paginator is not None:
        known |= set(getattr(paginator, "query_parameters", ()))
    return known
