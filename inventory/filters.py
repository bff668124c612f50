"""How stock lists are narrowed."""

import django_filters
from django.db.models import F, Q, QuerySet

from inventory.models import StockItem, StockMovement
from shop_backend.kernel.filters import MomentFilter

YES_OR_NO = [("1", "yes"), ("true", "yes"), ("0", "no"), ("false", "no")]


class StockFilter(django_filters.FilterSet):
    sku = django_filters.CharFilter(lookup_expr="icontains", max_length=64, label="Part of a SKU.")
    location = django_filters.CharFilter(
        method="narrow_to_location", max_length=32, label="A location's code."
    )
    low = django_filters.ChoiceFilter(
        choices=YES_OR_NO,
        method="narrow_to_low",
        label="1: tracked items with no more available units than their low-stock threshold.",
    )

    class Meta:
        model = StockItem
        fields: list[str] = []

    def narrow_to_location(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        # Not by a join of the list itself, which would narrow its sums too.
        there = StockItem.objects.filter(levels__location__code=value)
        return queryset.filter(pk__in=there.values("pk"))

    def narrow_to_low(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        is_low = Q(is_tracked=True, sellable__lte=F("low_at"))
        queryset = queryset.with_low_stock_at()  # type: ignore[attr-defined]  # the model's own queryset
        return queryset.filter(is_low if value in {"1", "true"} else ~is_low)


class MovementFilter(django_filters.FilterSet):
    sku = django_filters.CharFilter(field_name="level__item__sku", max_length=64)
    location = django_filters.CharFilter(
        field_name="level__location__code", max_length=32, label="A location's code."
    )
    kind = django_filters.ChoiceFilter(choices=StockMovement.Kind.choices)
    reference = django_filters.CharFilter(max_length=64)
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = StockMovement
        fields: list[str] = []
