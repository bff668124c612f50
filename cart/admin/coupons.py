"""Coupons and their uses for the people who run the shop."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from cart.admin.fields import PercentFormField
from cart.models import Coupon, CouponTally, CouponUse
from cart.models.coupons import normalise_code
from cart.percent import format_percent
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopModelAdmin
from shop_backend.kernel.forms import MoneyFormField
from shop_backend.kernel.money import Money


class CodeFormField(forms.CharField):
    """A code in any case; kept in capitals."""

    def to_python(self, value: Any) -> str:
        return normalise_code(super().to_python(value) or "")


class CouponForm(forms.ModelForm):
    code = CodeFormField(max_length=40)
    percent_basis_points = PercentFormField(
        decimals=2, required=False, label="Percent (for the kind percent)"
    )
    amount_minor = MoneyFormField(required=False, label="Amount (for the kind fixed)")
    min_subtotal_minor = MoneyFormField(required=False, label="Minimum subtotal")

    class Meta:
        model = Coupon
        fields = [
            "code",
            "kind",
            "percent_basis_points",
            "amount_minor",
            "is_active",
            "starts_at",
            "ends_at",
            "min_subtotal_minor",
            "products",
            "categories",
            "usage_limit",
            "per_customer_limit",
        ]

    def clean_usage_limit(self) -> int | None:
        limit: int | None = self.cleaned_data["usage_limit"]
        if limit is not None and limit < self.instance.used_count:
            raise forms.ValidationError(
                f"It has been used {self.instance.used_count} times; switch it off to stop it."
            )
        return limit


@admin.register(Coupon)
class CouponAdmin(ShopModelAdmin):
    """Codes that make an order cheaper; who used them is counted, not typed."""

    form = CouponForm
    list_display = ["code", "kind", "worth", "used", "is_active", "starts_at", "ends_at"]
    list_filter = ["is_active", "kind", "ends_at"]
    search_fields = ["code"]
    autocomplete_fields = ["products", "categories"]
    readonly_fields = ["used"]
    ordering = ["-pk"]

    @admin.display(description="Worth")
    def worth(self, coupon: Coupon) -> str:
        if coupon.percent_basis_points is not None:
            return f"{format_percent(coupon.percent_basis_points, decimals=2)} %"
        if coupon.amount_minor is not None:
            return str(Money(coupon.amount_minor, coupon.currency))
        return "free shipping"

    @admin.display(description="Used", ordering="used_count")
    def used(self, coupon: Coupon) -> str:
        limit = "" if coupon.usage_limit is None else f" of {coupon.usage_limit}"
        return f"{coupon.used_count}{limit}"

    def save_model(self, request: HttpRequest, obj: Coupon, form: Any, change: bool) -> None:  # noqa: FBT001  # Django's signature
        # Never the whole row: its counter moves by conditional updates alone.
        many = {"products", "categories"}
        columns = [name for name in form.changed_data if name not in many]
        obj.save(update_fields=columns if change else None)

    def has_delete_permission(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        if obj is not None and obj.uses.exists():
            return False
        return super().has_delete_permission(request, obj)


@admin.register(CouponUse)
class CouponUseAdmin(ReadOnlyAdmin):
    list_display = ["coupon", "customer", "reference", "created_at", "released_at", "retaken_at"]
    list_filter = ["created_at", "released_at"]
    list_select_related = ["coupon", "customer"]
    search_fields = ["coupon__code", "reference", "customer__username", "customer__email"]
    date_hierarchy = "created_at"


@admin.register(CouponTally)
class CouponTallyAdmin(ReadOnlyAdmin):
    list_display = ["coupon", "customer", "used_count"]
    list_select_related = ["coupon", "customer"]
    search_fields = ["coupon__code", "customer__username", "customer__email"]
