"""How the staff's list of orders is narrowed."""

import django_filters

from cart.serializers import MAX_ID
from orders.models import Order
from shop_backend.kernel.filters import MomentFilter


class OrderFilter(django_filters.FilterSet):
    """``?status=paid&user=7&number=R…&placed_after=2026-01-01``."""

    status = django_filters.ChoiceFilter(choices=Order.Status.choices)
    user = django_filters.NumberFilter(
        field_name="customer_id", min_value=1, max_value=MAX_ID, decimal_places=0
    )
    number = django_filters.CharFilter(lookup_expr="iexact", max_length=16)
    placed_after = MomentFilter(field_name="placed_at", lookup_expr="gte")
    placed_before = MomentFilter(field_name="placed_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields: list[str] = []
