"""How the list of shipments is narrowed."""

from django_filters import rest_framework as filters

from shipping.models import Shipment
from shop_backend.kernel.converters import MAX_ID


class ShipmentFilterSet(filters.FilterSet):
    order = filters.CharFilter(field_name="reference", max_length=64, label="The order's number.")
    status = filters.ChoiceFilter(choices=Shipment.Status.choices)
    customer = filters.NumberFilter(
        field_name="customer_id",
        min_value=1,
        max_value=MAX_ID,
        decimal_places=0,
        label="The id of the customer.",
    )
    tracking_number = filters.CharFilter(
        method="with_tracking_number", max_length=64, label="In any case."
    )

    class Meta:
        model = Shipment
        fields: list[str] = []

    def with_tracking_number(self, queryset, name, value):
        return queryset.filter(tracking_number=value.upper())
