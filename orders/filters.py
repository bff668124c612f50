"""How the staff's list of orders is narrowed."""

import django_filters
from django.db.models import Q, QuerySet

from orders.models import Order
from shop_backend.kernel.converters import MAX_ID
from shop_backend.kernel.filters import MomentFilter

PAYMENT_STATUSES = (
    "unpaid",
    "authorized",
    "partially_paid",
    "paid",
    "partially_refunded",
    "refunded",
)
FULFILMENT_STATUSES = (
    "unfulfilled",
    "partially_shipped",
    "shipped",
    "delivered",
    "partially_returned",
    "returned",
)


class OrderFilter(django_filters.FilterSet):
    """``?status=paid&fulfilment_status=unfulfilled&user=7&search=jane&placed_after=2026-01-01``."""

    status = django_filters.ChoiceFilter(choices=Order.Status.choices)
    payment_status = django_filters.ChoiceFilter(
        choices=[(status, status) for status in PAYMENT_STATUSES],
        method="narrow_to_payment_status",
    )
    fulfilment_status = django_filters.ChoiceFilter(
        choices=[(status, status) for status in FULFILMENT_STATUSES],
        method="narrow_to_fulfilment_status",
    )
    user = django_filters.NumberFilter(
        field_name="customer_id", min_value=1, max_value=MAX_ID, decimal_places=0
    )
    number = django_filters.CharFilter(lookup_expr="iexact", max_length=16)
    search = django_filters.CharFilter(
        method="narrow_to_search",
        max_length=100,
        label="Part of the number, an email address, the username or the name on the address.",
    )
    placed_after = MomentFilter(field_name="placed_at", lookup_expr="gte")
    placed_before = MomentFilter(field_name="placed_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields: list[str] = []

    def narrow_to_payment_status(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.in_payment_status(value)  # type: ignore[attr-defined]  # the model's own queryset

    def narrow_to_fulfilment_status(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.in_fulfilment_status(value)  # type: ignore[attr-defined]  # the model's own queryset

    def narrow_to_search(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(
            Q(number__icontains=value)
            | Q(email__icontains=value)
            | Q(full_name__icontains=value)
            | Q(customer__email__icontains=value)
            | Q(customer__username__icontains=value)
        )
