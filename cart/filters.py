"""How the staff's lists of coupons and tax rates are narrowed."""

import django_filters
from django.db.models import QuerySet

from cart.models import Coupon, TaxRate
from shop_backend.kernel.converters import MAX_ID

YES = {"1", "true"}
YES_OR_NO = [("1", "yes"), ("true", "yes"), ("0", "no"), ("false", "no")]


class CouponFilter(django_filters.FilterSet):
    """``?code=welcome&kind=percent&is_active=true``."""

    code = django_filters.CharFilter(
        lookup_expr="icontains", max_length=40, label="A part of the code, in any case."
    )
    kind = django_filters.ChoiceFilter(choices=Coupon.Kind.choices)
    is_active = django_filters.ChoiceFilter(choices=YES_OR_NO, method="narrow_to_active")

    class Meta:
        model = Coupon
        fields: list[str] = []

    def narrow_to_active(
        self, queryset: QuerySet[Coupon], name: str, value: str
    ) -> QuerySet[Coupon]:
        return queryset.filter(is_active=value in YES)


class TaxRateFilter(django_filters.FilterSet):
    """``?country=GB&tax_class=1``."""

    country = django_filters.CharFilter(lookup_expr="iexact", max_length=2)
    tax_class = django_filters.NumberFilter(
        field_name="tax_class_id", min_value=1, max_value=MAX_ID
    )

    class Meta:
        model = TaxRate
        fields: list[str] = []
