"""Narrowing the list of payments."""

import django_filters
from django.db.models import QuerySet

from payments.models import Payment
from payments.ports import payable_orders
from shop_backend.kernel.errors import Missing


class PaymentFilter(django_filters.FilterSet):
    """``?order=`` by public number or id, ``?status=``."""

    order = django_filters.CharFilter(method="of_order", max_length=32)
    status = django_filters.ChoiceFilter(choices=Payment.Status.choices)

    class Meta:
        model = Payment
        fields = ["order", "status"]

    def of_order(self, payments: QuerySet, name: str, value: str) -> QuerySet:
        """Keep the payments of one order; none if the caller sees no such order."""
        user = self.request.user
        customer_id = None if user.has_perm("payments.view_payment") else user.pk
        orders = payable_orders.answerer
        try:
            reference = orders.resolve_reference(order_id=value, customer_id=customer_id)
        except Missing:
            return payments.none()
        return payments.filter(reference=reference)
